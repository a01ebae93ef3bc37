/* humanav player of Gaussians, Apache-2.0 */
var HumanavSplats=(()=>{var oe=Object.defineProperty;var Le=Object.getOwnPropertyDescriptor;var Ue=Object.getOwnPropertyNames;var Ne=Object.prototype.hasOwnProperty;var ze=(o,e)=>{for(var r in e)oe(o,r,{get:e[r],enumerable:!0})},Ce=(o,e,r,t)=>{if(e&&typeof e=="object"||typeof e=="function")for(let n of Ue(e))!Ne.call(o,n)&&n!==r&&oe(o,n,{get:()=>e[n],enumerable:!(t=Le(e,n))||t.enumerable});return o};var Pe=o=>Ce(oe({},"__esModule",{value:!0}),o);var ot={};ze(ot,{mount:()=>st});var me=`
.hp-chart { flex: 0 0 auto; padding: 8px 12px 10px; background: rgba(255,255,255,.72); border-top: 1px solid rgba(16,24,40,.08); }
.hp[data-theme=dark] .hp-chart { background: rgba(17,19,24,.72); border-top-color: rgba(255,255,255,.1); }
.hp-chart h4 { margin: 0 0 2px; font-size: 13.5px; font-weight: 600; display: flex; flex-wrap: wrap; gap: 2px 14px; }
.hp-chart h4 span { font-weight: 400; display: inline-flex; align-items: center; gap: 5px; }
.hp-chart i, .hp-names i { width: 10px; height: 10px; border-radius: 50%; display: inline-block; flex: none; }
.hp-chart svg { display: block; width: 100%; height: 112px; cursor: pointer; touch-action: pan-y; overflow: visible; }
.hp-chart text { font-size: 11.5px; fill: currentColor; opacity: .7; }
.hp-marks { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 6px; align-items: center; font-size: 13.5px; }
.hp .hp-marks button { height: auto; min-height: 32px; padding: 3px 10px; font-size: 13.5px; text-align: left; }
.hp-marks b { font-variant-numeric: tabular-nums; margin-right: 5px; }
@media (max-width: 520px) { .hp-marks { flex-wrap: nowrap; overflow-x: auto; padding-bottom: 3px; }
  .hp .hp-marks button { flex: none; } .hp-marks > span { flex: none; } }`;var Oe=`
.hp { position: relative; display: flex; flex-direction: column; width: 100%; height: 100%; overflow: hidden;
  font: 15px/1.3 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: #344054; border-radius: 12px;
  background: linear-gradient(#dfe3e8, #f3f4f6 62%, #eceef1); }
.hp[data-theme=dark] { color: #d0d5dd; background: linear-gradient(#15171c, #282b33 62%, #1f2229); }
.hp-stage { position: relative; flex: 1 1 auto; min-height: 0; }
.hp canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block; outline-offset: -3px; cursor: grab; }
.hp canvas:active { cursor: grabbing; }
.hp-views { position: absolute; top: 10px; left: 10px; display: flex; gap: 6px; }
.hp-corner { position: absolute; top: 10px; right: 10px; display: flex; gap: 6px; }
.hp-note { position: absolute; right: 12px; bottom: 8px; font-size: 12px; opacity: .6; pointer-events: none; }
.hp-names { position: absolute; inset: 0; display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; pointer-events: none; }
.hp-names div { display: flex; align-items: flex-end; justify-content: center; padding: 10px 4px; }
.hp-names div + div { border-left: 1px solid rgba(16,24,40,.12); }
.hp[data-theme=dark] .hp-names div + div { border-left-color: rgba(255,255,255,.14); }
.hp-names span { display: inline-flex; align-items: center; gap: 6px; padding: 4px 11px; border-radius: 14px; font-size: 14px;
  font-weight: 600; background: rgba(255,255,255,.78); white-space: nowrap; }
.hp[data-theme=dark] .hp-names span { background: rgba(17,19,24,.72); }
.hp-message { position: absolute; inset: 0; display: flex; align-items: center; justify-content: center; padding: 24px;
  text-align: center; pointer-events: none; }
.hp-bar { display: flex; align-items: center; gap: 8px; padding: 8px 10px; flex-wrap: wrap;
  background: rgba(255,255,255,.72); border-top: 1px solid rgba(16,24,40,.08); }
.hp[data-theme=dark] .hp-bar { background: rgba(17,19,24,.72); border-top-color: rgba(255,255,255,.1); }
.hp button, .hp select { font: inherit; color: inherit; height: 36px; border-radius: 8px; padding: 0 12px;
  background: rgba(255,255,255,.8); border: 1px solid rgba(16,24,40,.14); cursor: pointer; }
.hp[data-theme=dark] button, .hp[data-theme=dark] select { background: rgba(40,44,53,.88); border-color: rgba(255,255,255,.16); }
.hp button:hover, .hp select:hover { border-color: rgba(16,24,40,.4); }
.hp[data-theme=dark] button:hover, .hp[data-theme=dark] select:hover { border-color: rgba(255,255,255,.45); }
.hp button[aria-pressed=true] { background: #1570cd; border-color: #1570cd; color: #fff; }
.hp .hp-play { width: 44px; padding: 0; display: grid; place-items: center; background: #1570cd; border-color: #1570cd; color: #fff; }
.hp[data-theme=dark] .hp-play { background: #2e90fa; border-color: #2e90fa; }
.hp :focus-visible { outline: 2px solid #2e90fa; outline-offset: 2px; }
.hp canvas:focus-visible { outline-offset: -3px; }
.hp-scrub { flex: 1 1 120px; min-width: 90px; accent-color: #1570cd; height: 36px; margin: 0; cursor: pointer; }
.hp-time { font-variant-numeric: tabular-nums; font-size: 13px; min-width: 82px; text-align: center; }
.hp select { max-width: 170px; padding: 0 8px; text-overflow: ellipsis; }
.hp [hidden] { display: none !important; }
@media (max-width: 520px) {
  .hp-names span { font-size: 12.5px; padding: 4px 9px; }
  .hp-bar { gap: 6px; padding: 8px; }
  .hp-scrub { order: -1; flex-basis: calc(100% - 150px); }
  .hp .hp-play { order: -2; }
  .hp-time { order: -1; }
  .hp select { flex: 1 1 90px; max-width: none; }
  .hp-single .hp-scrub { flex-basis: 50px; min-width: 50px; }
  .hp-single .hp-time { min-width: 76px; }
  .hp-single select { flex: 0 0 auto; }
}`,Be={play:"M8 5v14l11-7z",pause:"M7 5h4v14H7zM14 5h4v14h-4z",full:"M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"};function F(o,e={},...r){let t=document.createElement(o);for(let[n,a]of Object.entries(e))t.setAttribute(n,a);return t.append(...r),t}function ce(o,e){let r=document.createElementNS("http://www.w3.org/2000/svg","svg");for(let[n,a]of Object.entries({viewBox:"0 0 24 24",width:20,height:20,"aria-hidden":"true"}))r.setAttribute(n,a);let t=document.createElementNS("http://www.w3.org/2000/svg","path");return t.setAttribute("d",Be[o]),t.setAttribute("fill",e?"none":"currentColor"),e&&(t.setAttribute("stroke","currentColor"),t.setAttribute("stroke-width","2")),r.append(t),r}function xe(o){let e=o.replace(/[_-]+/g," ").trim();return e?e[0].toUpperCase()+e.slice(1):"Animation"}function be(o){return`${Math.floor(o/60)}:${(o%60).toFixed(1).padStart(4,"0")}`}function ge(o,e){o.classList.add("hp");let r=F("style");r.textContent=Oe+me;let t=F("canvas",{id:"humanav-canvas",tabindex:"0",role:"img","aria-label":`${e.title||"3D person"}. Drag to turn, pinch or scroll to zoom. Space plays and pauses, arrow keys step, 1 2 3 show front, side and back.`}),n=F("div",{class:"hp-views",role:"group","aria-label":"View"}),a=["front","side","back"].map(f=>F("button",{type:"button","data-view":f,"aria-pressed":"false"},xe(f))),i=F("button",{type:"button","data-view":"cameras","aria-pressed":"false",hidden:""},"Cameras");a.push(i),n.append(...a);let s=F("button",{type:"button","aria-label":"Full screen",title:"Full screen",style:"padding:0 8px"},ce("full",!0)),c=F("button",{type:"button","aria-pressed":"false",hidden:""},e.optional||""),d=F("div",{class:"hp-corner"},c,s);s.hidden=!document.fullscreenEnabled;let p=F("div",{class:"hp-note"},"grid: 1 m"),b=F("div",{class:"hp-message",role:"status"},"Loading the 3D model ..."),w=F("div",{class:"hp-names",hidden:""}),m=F("div",{class:"hp-stage"},t,w,b,n,d,p),u=F("button",{type:"button",class:"hp-play","aria-label":"Play"},ce("play")),x=F("input",{type:"range",class:"hp-scrub",min:"0",max:"1000",value:"0","aria-label":"Position in the animation"}),v=F("span",{class:"hp-time"},"0:00.0"),T=F("select",{"aria-label":"Speed"});for(let f of[.25,.5,1,1.5,2])T.append(F("option",{value:f},`${f}x`));T.value="1";let E=F("select",{"aria-label":"Animation"}),M=F("div",{class:"hp-bar"},u,x,v,T,E);M.hidden=!0,o.replaceChildren(r,m,M);let l=(()=>{try{return window.parent.document.body}catch{return null}})(),y=window.matchMedia("(prefers-color-scheme: dark)"),k="";return{canvas:t,stage:m,isDark(){return e.theme==="dark"||e.theme==="light"?e.theme==="dark":l&&l!==document.body?l.classList.contains("dark"):document.body.classList.contains("dark")||y.matches},busy(f){b.hidden=!f,f&&(b.textContent="Loading the 3D model ...")},fail(f){b.hidden=!1,b.textContent=f,b.setAttribute("role","alert")},setPeople(f,A){let R=A||f.includes(e.optional);c.hidden=!R,c.setAttribute("aria-pressed",String(R&&!A)),w.hidden=f.length<2,p.hidden=f.length>1,w.replaceChildren(...f.map(D=>{let C=F("i");return C.style.background=(e.colors||{})[D]||"currentColor",F("div",{},F("span",{},C,D))}))},setCameras(f){i.hidden=!f},setClips(f){E.replaceChildren(...f.map((A,R)=>F("option",{value:R},xe(A)))),E.hidden=f.length<2,M.hidden=f.length===0,M.classList.toggle("hp-single",E.hidden)},setClip(f,A,R){E.value=String(f);for(let D of[u,x,v,T])D.hidden=!R;M.hidden=!R&&E.hidden},setPlaying(f){u.setAttribute("aria-label",f?"Pause":"Play"),u.replaceChildren(ce(f?"pause":"play"))},setSpeed(f){T.value=String(f)},setTime(f,A){let R=`${be(f)} / ${be(A)}`;R!==k&&(k=v.textContent=R,x.value=String(Math.round(1e3*f/(A||1))),x.setAttribute("aria-valuetext",`${f.toFixed(1)} seconds`))},pressView(f){for(let A of a)A.setAttribute("aria-pressed",String(A.dataset.view===f))},connect(f){u.addEventListener("click",f.toggle),x.addEventListener("input",()=>f.scrub(x.value/1e3)),T.addEventListener("change",()=>f.speed(Number(T.value))),E.addEventListener("change",()=>f.clip(Number(E.value)));for(let A of a)A.addEventListener("click",()=>f.view(A.dataset.view));c.addEventListener("click",f.optional),s.addEventListener("click",()=>document.fullscreenElement?document.exitFullscreen():o.requestFullscreen()),o.addEventListener("keydown",A=>{if(A.target.matches("select, input, button"))return;let R={" ":f.toggle,ArrowLeft:()=>f.step(-1),ArrowRight:()=>f.step(1),1:()=>f.view("front"),2:()=>f.view("side"),3:()=>f.view("back")}[A.key];R&&(A.preventDefault(),R())}),y.addEventListener("change",f.theme),l&&new MutationObserver(f.theme).observe(l,{attributes:!0,attributeFilter:["class"]})}}}var q=24*Math.PI/180,le=.05,he=100,Ge=-.17,je=1.5,$e=.4,we=14,pe=(o,e,r)=>Math.min(Math.max(o,e),r),Y=class{constructor(e,r){this.surface=e,this.touched=r,this.goal={yaw:0,pitch:.12,distance:4,target:[0,.85,0]},this.now=structuredClone(this.goal),this.fingers=new Map,this.listen()}listen(){let{surface:e,fingers:r}=this;e.style.touchAction="none",e.addEventListener("contextmenu",t=>t.preventDefault()),e.addEventListener("pointerdown",t=>{t.target.closest("button, select, input, [role=slider]")||(r.set(t.pointerId,{x:t.clientX,y:t.clientY,pan:t.button>0||t.shiftKey||t.ctrlKey}),e.setPointerCapture(t.pointerId))}),e.addEventListener("pointermove",t=>{let n=r.get(t.pointerId);if(!n)return;let a=t.clientX-n.x,i=t.clientY-n.y;if(r.size===2){let[s]=[...r].filter(([p])=>p!==t.pointerId).map(([,p])=>p),c=Math.hypot(n.x-s.x,n.y-s.y),d=Math.hypot(t.clientX-s.x,t.clientY-s.y);c>0&&d>0&&this.zoom(c/d),this.pan(a/2,i/2)}else n.pan?this.pan(a,i):this.turn(a,i);n.x=t.clientX,n.y=t.clientY,this.touched()});for(let t of["pointerup","pointercancel"])e.addEventListener(t,n=>r.delete(n.pointerId));e.addEventListener("wheel",t=>{t.preventDefault(),this.zoom(Math.exp(pe(t.deltaY*(t.deltaMode?30:1),-120,120)*.0013)),this.touched()},{passive:!1})}turn(e,r){this.goal.yaw-=e/this.surface.clientHeight*2*Math.PI,this.goal.pitch=pe(this.goal.pitch+r/this.surface.clientHeight*Math.PI,Ge,je)}zoom(e){this.goal.distance=pe(this.goal.distance*e,$e,we)}pan(e,r){let{goal:t}=this,n=2*Math.tan(q/2)*t.distance/this.surface.clientHeight,[a,i]=this.axes(t);for(let s=0;s<3;s++)t.target[s]+=n*(i[s]*r-a[s]*e)}shift(e,r){for(let t of[this.goal,this.now])t.target[0]+=e,t.target[2]+=r}settle(){this.now=structuredClone(this.goal)}step(e){let{goal:r,now:t}=this,n=1-Math.exp(-e*16),a=2*Math.tan(q/2)*t.distance,i=Math.max(Math.abs(r.yaw-t.yaw),Math.abs(r.pitch-t.pitch),Math.abs(Math.log(r.distance/t.distance)),...r.target.map((s,c)=>Math.abs(s-t.target[c])/a));if(i===0)return!1;if(i<4e-4)return this.settle(),!0;for(let s of["yaw","pitch","distance"])t[s]+=(r[s]-t[s])*n;return r.target.forEach((s,c)=>{t.target[c]+=(s-t.target[c])*n}),!0}axes({yaw:e,pitch:r}){let[t,n,a,i]=[Math.sin(e),Math.cos(e),Math.sin(r),Math.cos(r)];return[[n,0,-t],[-t*a,i,-n*a],[t*i,a,n*i]]}camera(e,r){let{now:t}=this,n=this.axes(t),[a,i,s]=n,c=t.target.map((w,m)=>w+s[m]*t.distance),d=n.map(w=>-w.reduce((m,u,x)=>m+u*c[x],0)),p=1/Math.tan(q/2),b=le-he;return{position:c,target:t.target,forward:s.map(w=>-w),screen:[e,r],focal:[p*r/2,p*r/2],view:[a[0],i[0],s[0],0,a[1],i[1],s[1],0,a[2],i[2],s[2],0,...d,1],projection:[p*r/e,0,0,0,0,p,0,0,0,0,(he+le)/b,-1,0,0,2*he*le/b,0]}}frame({at:e,floor:r,top:t,side:n},a,i,s){let c=Math.tan(q/2),d=a<1,p=Math.max(t*(d?1.22:1.16)/2/c,n*1.04/(c*a))+n*.3,b=Math.round((this.now.yaw-i)/(2*Math.PI));this.goal={yaw:i+b*2*Math.PI,pitch:s,distance:Math.min(p,we),target:[e[0],r+t*(d?.535:.49),e[2]]}}};var Xe="M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM12 3v18";function ve(o,e,r,t){r.floor===!1&&(o.querySelector(".hp-note").hidden=!0);let n=o.querySelector(".hp-corner"),a=document.createElement("button");a.type="button",a.style.padding="0 8px",a.title="Light or dark",a.setAttribute("aria-label",a.title),a.innerHTML=`<svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="${Xe}" fill="none"
    stroke="currentColor" stroke-width="2"/><path d="M12 3a9 9 0 0 1 0 18z" fill="currentColor"/></svg>`,a.addEventListener("click",()=>{r.theme=o.dataset.theme==="dark"?"light":"dark",t.theme()}),n.prepend(a),e.canvas.setAttribute("aria-label",`${r.title||"3D person"}. Drag to turn, two fingers or the right button to move,
    pinch or scroll to zoom. Space plays and pauses, arrow keys step, with Shift they turn; plus and minus zoom, 0 shows
    everything again, 1 2 3 show front, side and back.`.replace(/\s+/g," "));let i=(s,c)=>()=>t.orbit.turn(s*.04*e.stage.clientHeight,c*.04*e.stage.clientHeight);o.addEventListener("keydown",s=>{if(s.target.matches("select, input, button, [role=slider]"))return;let c={"+":()=>t.orbit.zoom(.9),"=":()=>t.orbit.zoom(.9),"-":()=>t.orbit.zoom(1/.9),0:t.reset}[s.key]||s.shiftKey&&{ArrowLeft:i(1,0),ArrowRight:i(-1,0),ArrowUp:i(0,-1),ArrowDown:i(0,1)}[s.key];c&&(s.preventDefault(),s.stopPropagation(),c())},{capture:!0}),e.stage.addEventListener("dblclick",s=>{s.target.closest("button, [role=slider]")||t.reset()})}var Ve=`
.hc-mesh { position: absolute; inset: 0; pointer-events: none; }
.hc-mesh .hp { background: none; border-radius: 0; }
.hc-mesh .hp-bar, .hc-mesh .hp-views, .hc-mesh .hp-corner, .hc-mesh .hp-note { display: none !important; }
.hc-line { position: absolute; top: 0; bottom: 0; width: 44px; margin-left: -22px; cursor: ew-resize; touch-action: none; }
.hc-line::before { content: ""; position: absolute; top: 0; bottom: 0; left: 21px; width: 2px; background: #fff; box-shadow: 0 0 3px rgba(0,0,0,.45); }
.hc-line::after { content: "\\2039\\2009\\203a"; position: absolute; left: 4px; top: 56%; width: 36px; height: 36px; border-radius: 50%;
  display: grid; place-items: center; font-size: 20px; line-height: 1; padding-bottom: 3px; box-sizing: border-box; background: #1570cd; color: #fff; box-shadow: 0 1px 4px rgba(0,0,0,.35); }
.hc-name { position: absolute; bottom: 10px; padding: 4px 11px; border-radius: 14px; font-size: 13.5px; font-weight: 600; pointer-events: none;
  background: rgba(255,255,255,.8); white-space: nowrap; }
.hp[data-theme=dark] .hc-name { background: rgba(17,19,24,.76); }
.hc-left { left: 10px; } .hc-right { right: 10px; }
.hp-stage[data-compare] .hp-note { display: none; }
.hp-stage[data-compare=beside] .hc-line { display: none; }
.hp-stage[data-compare=beside] > canvas { left: 50%; right: 0; width: 50%; }
.hp-stage[data-compare=beside] .hc-mesh { right: 50%; border-right: 1px solid rgba(128,128,128,.35); }`;function ye(o,{glb:e,labels:r,beside:t},n){let{stage:a,canvas:i}=o,s=document.createElement("style");s.textContent=Ve;let c=document.createElement("div"),d=document.createElement("div"),p=document.createElement("button");c.className="hc-mesh";let b=document.createElement("div");b.style.height="100%",c.append(b),d.className="hc-line";for(let[l,y]of Object.entries({role:"slider",tabindex:"0","aria-label":`${r[0]} or ${r[1]}`,"aria-valuemin":"0","aria-valuemax":"100"}))d.setAttribute(l,y);let w=r.map((l,y)=>{let k=document.createElement("span");return k.className=`hc-name ${y?"hc-right":"hc-left"}`,k.textContent=l,k});i.after(c,...w,d),a.prepend(s),p.type="button",p.style.padding="0 8px",p.title="Side by side",p.setAttribute("aria-label",p.title),p.innerHTML=`<svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="M4 5h6v14H4zM14 5h6v14h-6z"
    fill="none" stroke="currentColor" stroke-width="2"/></svg>`,a.querySelector(".hp-corner").prepend(p);let m=window.humanavPlayer,u=window.HumanavPlayer.mount(b,{glb:e,autoplay:!1,theme:n.theme()});window.humanavPlayer=m;let x=.5,v=null,T=!1;function E(l){x=Math.min(Math.max(l,0),1);let y=a.dataset.compare==="beside";c.style.clipPath=y?"":`inset(0 ${100*(1-x)}% 0 0)`,i.style.clipPath=y?"":`inset(0 0 0 ${100*x}%)`,d.style.left=`${100*x}%`,d.setAttribute("aria-valuenow",String(Math.round(100*x)))}function M(l){a.dataset.compare=l?"beside":"slider",p.setAttribute("aria-pressed",String(l)),E(x),n.resize()}return d.addEventListener("pointerdown",l=>{d.setPointerCapture(l.pointerId),l.stopPropagation()}),d.addEventListener("pointermove",l=>{if(!d.hasPointerCapture(l.pointerId))return;let{left:y,width:k}=a.getBoundingClientRect();E((l.clientX-y)/k)}),d.addEventListener("keydown",l=>{let y={ArrowLeft:-.05,ArrowRight:.05}[l.key];y&&(E(x+y),l.preventDefault(),l.stopPropagation())}),p.addEventListener("click",()=>M(a.dataset.compare!=="beside")),M(!!t),{selectClip(l){v=l},news(){let l=!T&&!!u&&u.state.ready;return T=T||l,l},show(l,y){!u||!u.state.ready||(v!==null&&(u.selectClip(v),u.setSpeed(0),v=null),u.state.playing!==y.playing&&u.play(y.playing),u.setTheme(n.theme()),u.seeFrom(l.position,l.target),Math.abs(u.state.time-y.time)>1e-4&&u.seek(y.time))}}}var He={U8:Uint8Array,I8:Int8Array,U16:Uint16Array,I16:Int16Array,F16:Uint16Array,F32:Float32Array},We="humanav skinned splats 1";function Ee(o){let e=Number(new DataView(o).getBigUint64(0,!0)),r=JSON.parse(new TextDecoder().decode(new Uint8Array(o,8,e))),t=r.__metadata__||{};if(t.format!==We)throw new Error("This is not a file of skinned Gaussians.");let n=d=>{let{dtype:p,data_offsets:[b,w]}=r[d];return new He[p](o.slice(8+e+b,8+e+w))},a=JSON.parse(t.motions).map(({name:d,fps:p},b)=>{let w=n(`motion.${b}`),m=n(`transl.${b}`),u=m.length/3,x=r.basis?n(`amounts.${b}`):null;return{name:d,fps:p,turns:w,moves:m,amounts:x,frames:u,duration:(u-1)/p}}),[i,s]=JSON.parse(t.box),c={low:i,size:s.map((d,p)=>d-i[p]),motions:a,count:r.center.shape[0]};for(let d of["center","rotation","scale","color","skin_index","skin_weight","joints","parents"])c[d]=n(d);return c.terms=r.basis?r.basis.shape[1]:0,c.basis=c.terms?n("basis"):null,c}var S=1024;function Te(o){let{count:e}=o,r=Math.ceil(e/S),t=new Uint32Array(r*S*8),n=(a,i)=>a[4*i]&255|(a[4*i+1]&255)<<8|(a[4*i+2]&255)<<16|(a[4*i+3]&255)<<24;for(let a=0,i=0;a<e;a++,i+=8)t[i]=o.center[3*a]|o.center[3*a+1]<<16,t[i+1]=o.center[3*a+2]|o.scale[3*a+2]<<16,t[i+2]=n(o.color,a),t[i+3]=n(o.rotation,a),t[i+4]=o.scale[3*a]|o.scale[3*a+1]<<16,t[i+5]=n(o.skin_index,a),t[i+6]=n(o.skin_weight,a);return{words:t,height:r}}var O=8;function ke({count:o,terms:e,basis:r},t){let n=new Uint32Array(t*S*O);for(let a=0,i=0;a<o;a++)for(let s=0;s<e;s++,i+=3)n[a*O+s]=r[i]&255|(r[i+1]&255)<<8|(r[i+2]&255)<<16;return n}var Me=`
precision highp float; precision highp int; precision highp usampler2D; precision highp sampler2D;
uniform usampler2D gaussians, basis; uniform sampler2D bones; uniform vec3 low, size;
uniform float amounts[${O}]; uniform int terms;
struct Gaussian { vec3 center; mat3 axes; vec4 color; };
vec4 bytes(uint v) { return vec4(uvec4(v, v >> 8, v >> 16, v >> 24) & 255u); }
Gaussian posed(uint which) {
  ivec2 at = ivec2(int(which % ${S}u) * 2, int(which / ${S}u));
  uvec4 a = texelFetch(gaussians, at, 0), b = texelFetch(gaussians, at + ivec2(1, 0), 0);
  vec3 rest = low + size * vec3(unpackUnorm2x16(a.x), unpackUnorm2x16(a.y).x);
  if (terms > 0) {
    uvec4 shapes[2] = uvec4[2](texelFetch(basis, at, 0), texelFetch(basis, at + ivec2(1, 0), 0));
    for (int r = 0; r < terms; r++) {
      uint v = shapes[r >> 2][r & 3];
      rest += amounts[r] * vec3(ivec3(v << 24, v << 16, v << 8) >> 24);
    }
  }
  vec3 scale = vec3(unpackHalf2x16(b.x), unpackHalf2x16(a.y).y);
  vec4 q = normalize(vec4(ivec4(a.w << 24, a.w << 16, a.w << 8, a.w) >> 24));
  float w = q.x, x = q.y, y = q.z, z = q.w;
  mat3 turn = mat3(1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y + w * z), 2.0 * (x * z - w * y),
    2.0 * (x * y - w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z + w * x),
    2.0 * (x * z + w * y), 2.0 * (y * z - w * x), 1.0 - 2.0 * (x * x + y * y));
  vec4 joints = bytes(b.y), weights = bytes(b.z) / 255.0, r0 = vec4(0.0), r1 = vec4(0.0), r2 = vec4(0.0);
  for (int k = 0; k < 4; k++) {
    if (weights[k] == 0.0) break;
    int j = int(joints[k]);
    r0 += weights[k] * texelFetch(bones, ivec2(0, j), 0);
    r1 += weights[k] * texelFetch(bones, ivec2(1, j), 0);
    r2 += weights[k] * texelFetch(bones, ivec2(2, j), 0);
  }
  mat3 blend = transpose(mat3(r0.xyz, r1.xyz, r2.xyz));
  return Gaussian(blend * rest + vec3(r0.w, r1.w, r2.w),
    blend * turn * mat3(scale.x, 0, 0, 0, scale.y, 0, 0, 0, scale.z), bytes(a.z) / 255.0);
}`,qe=`#version 300 es
void main() { gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0); }`,Ye=`#version 300 es
${Me}
uniform mat4 view, projection; uniform vec2 focal, screen; // pixels
out uvec4 ellipse;
void main() {
  uint which = uint(gl_FragCoord.y) * ${S}u + uint(gl_FragCoord.x);
  ellipse = uvec4(0u); // out of sight
  Gaussian g = posed(which);
  vec4 eye = view * vec4(g.center, 1.0);
  if (eye.z > -0.05 || g.color.a < 1.0 / 255.0) return;
  mat3 axes = mat3(view) * g.axes;
  vec2 limit = 0.65 * screen / focal, slope = clamp(eye.xy / -eye.z, -limit, limit);
  vec3 jx = vec3(focal.x, 0.0, focal.x * slope.x) / -eye.z, jy = vec3(0.0, focal.y, focal.y * slope.y) / -eye.z;
  vec3 u = jx * axes, v = jy * axes; // the axes' shadows on the screen: rows of J A
  float a = dot(u, u) + 0.1, b = dot(u, v), c = dot(v, v) + 0.1; // what a pixel itself spreads: value.EPS2D
  float mid = 0.5 * (a + c), off = length(vec2(0.5 * (a - c), b));
  float big = mid + off, small = max(mid - off, 0.05);
  vec2 along = off < 1e-6 ? vec2(1.0, 0.0) : normalize(a > c ? vec2(big - c, b) : vec2(b, big - a));
  vec2 lengths = min(sqrt(vec2(big, small)), vec2(512.0));
  vec4 clip = projection * eye;
  if (any(greaterThan(abs(clip.xy), vec2(clip.w) + 7.0 * lengths.x / screen * clip.w))) return;
  ellipse = uvec4(floatBitsToUint(clip.xy / clip.w), packHalf2x16(lengths.x * along),
    packHalf2x16(lengths.y * vec2(-along.y, along.x)));
}`,Ke=`#version 300 es
precision highp float; precision highp int; precision highp usampler2D;
uniform usampler2D gaussians, ellipses, order; uniform vec2 screen;
out vec2 at; out vec4 tint;
void main() {
  int place = gl_VertexID >> 2;
  uint which = texelFetch(order, ivec2(place % ${S}, place / ${S}), 0).x;
  ivec2 cell = ivec2(int(which % ${S}u), int(which / ${S}u));
  uvec4 ellipse = texelFetch(ellipses, cell, 0);
  uint color = texelFetch(gaussians, ivec2(cell.x * 2, cell.y), 0).z;
  tint = vec4(uvec4(color, color >> 8, color >> 16, color >> 24) & 255u) / 255.0;
  float reach = sqrt(2.0 * log(max(255.0 * tint.a, 1.0))); // where it fades below 1/255
  at = vec2(float(gl_VertexID & 1), float((gl_VertexID >> 1) & 1)) * 2.0 * reach - reach;
  vec2 pixels = at.x * unpackHalf2x16(ellipse.z) + at.y * unpackHalf2x16(ellipse.w);
  gl_Position = vec4(uintBitsToFloat(ellipse.xy) + 2.0 * pixels / screen, 0.0, 1.0);
}`,Je=`#version 300 es
precision highp float;
in vec2 at; in vec4 tint; out vec4 color;
void main() {
  float alpha = min(0.99, tint.a * exp(-0.5 * dot(at, at)));
  if (alpha < 1.0 / 255.0) discard;
  color = vec4(tint.rgb * alpha, alpha);
}`,Qe=`#version 300 es
${Me}
uniform vec3 center; uniform float side, texels; uniform uint stride;
out float dark;
void main() {
  Gaussian g = posed(uint(gl_VertexID) * stride);
  float height = max(g.center.y - center.y, 0.0);
  dark = g.color.a * exp(-3.6 * height);
  gl_PointSize = clamp(4.0 * length(g.axes[0]) / side * texels, 2.0, 8.0);
  gl_Position = vec4((g.center.xz - center.xz) * 2.0 / side, 0.0, 1.0);
}`,Ze=`#version 300 es
precision mediump float;
in float dark; out vec4 color;
void main() { color = vec4(dark); }`;function B(o,e,r){let t=o.createProgram();for(let[a,i]of[[o.VERTEX_SHADER,e],[o.FRAGMENT_SHADER,r]]){let s=o.createShader(a);o.shaderSource(s,i),o.compileShader(s),o.attachShader(t,s)}if(o.linkProgram(t),!o.getProgramParameter(t,o.LINK_STATUS))throw new Error(o.getAttachedShaders(t).map(a=>o.getShaderInfoLog(a)).join("")||o.getProgramInfoLog(t));let n={};return{made:t,use(){return o.useProgram(t),this},at(a){return a in n?n[a]:n[a]=o.getUniformLocation(t,a)}}}function $(o,e,r,t,n,a,i){let s=o.createTexture();o.bindTexture(o.TEXTURE_2D,s);for(let c of[o.TEXTURE_MIN_FILTER,o.TEXTURE_MAG_FILTER])o.texParameteri(o.TEXTURE_2D,c,o.NEAREST);return o.texImage2D(o.TEXTURE_2D,0,e,r,t,0,n,a,i),s}var K=class{constructor(e,r){let{words:t,height:n}=Te(r),{count:a}=r;Object.assign(this,{gl:e,file:r,height:n,joints:r.parents.length}),this.projecting=B(e,qe,Ye),this.splats=B(e,Ke,Je),this.dots=B(e,Qe,Ze),this.data=$(e,e.RGBA32UI,2*S,n,e.RGBA_INTEGER,e.UNSIGNED_INT,t),this.basis=r.terms?$(e,e.RGBA32UI,2*S,n,e.RGBA_INTEGER,e.UNSIGNED_INT,ke(r,n)):this.data,this.bones=$(e,e.RGBA32F,3,this.joints,e.RGBA,e.FLOAT,null),this.order=$(e,e.R32UI,S,n,e.RED_INTEGER,e.UNSIGNED_INT,null),this.ellipses=$(e,e.RGBA32UI,S,n,e.RGBA_INTEGER,e.UNSIGNED_INT,null),this.target=e.createFramebuffer(),e.bindFramebuffer(e.FRAMEBUFFER,this.target),e.framebufferTexture2D(e.FRAMEBUFFER,e.COLOR_ATTACHMENT0,e.TEXTURE_2D,this.ellipses,0),e.bindFramebuffer(e.FRAMEBUFFER,null);let i=new Uint32Array(6*a);for(let s=0,c=0;s<a;s++)for(let d of[0,1,2,2,1,3])i[c++]=4*s+d;this.none=e.createVertexArray(),this.array=e.createVertexArray(),e.bindVertexArray(this.array),e.bindBuffer(e.ELEMENT_ARRAY_BUFFER,e.createBuffer()),e.bufferData(e.ELEMENT_ARRAY_BUFFER,i,e.STATIC_DRAW),e.bindVertexArray(null)}pose(e,r){let{gl:t}=this;this.amounts=r,t.bindTexture(t.TEXTURE_2D,this.bones),t.texSubImage2D(t.TEXTURE_2D,0,0,0,3,this.joints,t.RGBA,t.FLOAT,e)}bind(e,r){let{gl:t,file:n}=this;e.use(),Object.entries(r).forEach(([a,i],s)=>{t.activeTexture(t.TEXTURE0+s),t.bindTexture(t.TEXTURE_2D,i),t.uniform1i(e.at(a),s)}),t.activeTexture(t.TEXTURE0),t.uniform3fv(e.at("low"),n.low),t.uniform3fv(e.at("size"),n.size),r.bones&&(t.uniform1i(e.at("terms"),n.terms),t.uniform1fv(e.at("amounts"),this.amounts))}project(e){let{gl:r,projecting:t}=this;this.bind(t,{gaussians:this.data,basis:this.basis,bones:this.bones}),r.uniformMatrix4fv(t.at("view"),!1,e.view),r.uniformMatrix4fv(t.at("projection"),!1,e.projection),r.uniform2fv(t.at("focal"),e.focal),r.uniform2fv(t.at("screen"),e.screen),r.bindFramebuffer(r.FRAMEBUFFER,this.target),r.viewport(0,0,S,this.height),r.disable(r.BLEND),r.bindVertexArray(this.none),r.drawArrays(r.TRIANGLES,0,3),r.bindFramebuffer(r.FRAMEBUFFER,null)}draw(e,r){let{gl:t,splats:n}=this;t.bindTexture(t.TEXTURE_2D,this.order),t.texSubImage2D(t.TEXTURE_2D,0,0,0,S,this.height,t.RED_INTEGER,t.UNSIGNED_INT,r),this.bind(n,{gaussians:this.data,ellipses:this.ellipses,order:this.order}),t.uniform2fv(n.at("screen"),e.screen),t.bindVertexArray(this.array),t.drawElements(t.TRIANGLES,6*this.file.count,t.UNSIGNED_INT,0),t.bindVertexArray(null)}drawDots(e,r,t){let{gl:n,dots:a,file:i}=this,s=Math.max(1,Math.round(i.count/6e3));this.bind(a,{gaussians:this.data,basis:this.basis,bones:this.bones}),n.uniform3fv(a.at("center"),e),n.uniform1f(a.at("side"),r),n.uniform1f(a.at("texels"),t),n.uniform1ui(a.at("stride"),s),n.bindVertexArray(this.none),n.drawArrays(n.POINTS,0,Math.floor(i.count/s)),n.bindVertexArray(null)}};var Ae=2.8,X=128,et=`#version 300 es
out vec2 at;
void main() { at = vec2(gl_VertexID & 1, gl_VertexID >> 1); gl_Position = vec4(at * 2.0 - 1.0, 0.0, 1.0); }`,tt=`#version 300 es
precision mediump float;
uniform sampler2D map; uniform vec2 jump; in vec2 at; out vec4 color;
void main() {
  float sum = 0.0, total = 0.0;
  for (int k = -6; k <= 6; k++) {
    float w = exp(-float(k * k) / 14.0);
    sum += w * texture(map, at + float(k) * jump).r; total += w; }
  color = vec4(sum / total);
}`,at=`#version 300 es
precision highp float;
uniform mat4 view, projection; uniform vec3 center; out vec2 at;
void main() {
  at = center.xz + (vec2(gl_VertexID & 1, gl_VertexID >> 1) - 0.5) * 14.0;
  gl_Position = projection * view * vec4(at.x, center.y, at.y, 1.0);
}`,nt=`#version 300 es
precision highp float;
uniform sampler2D near, far; uniform vec3 center, ink; uniform vec2 person; uniform float strength; in vec2 at; out vec4 color;
float lines(float spacing, float wide) {
  vec2 p = at / spacing, soft = fwidth(p) * 1.2, w = vec2(wide / spacing), away = abs(fract(p - 0.5) - 0.5);
  vec2 line = (1.0 - smoothstep(w, w + soft, away)) * min(vec2(1.0), (w * 2.0 + 0.3 * soft) / soft);
  return max(line.x, line.y); }
void main() {
  vec2 from = at - center.xz, map = (at - person) / ${Ae.toFixed(1)} + 0.5;
  float fade = exp(-dot(from, from) / 7.8);
  float grid = fade * max(0.22 * lines(0.5, 0.002), 0.5 * lines(1.0, 0.004));
  float dark = 1.0 - (1.0 - 0.8 * texture(near, map).r) * (1.0 - 0.6 * texture(far, map).r);
  dark *= strength * smoothstep(0.5, 0.3, length(map - 0.5));
  color = vec4(ink * grid * (1.0 - dark), grid + dark - grid * dark);
}`,J=class{constructor(e){Object.assign(this,{gl:e,blurring:B(e,et,tt),plane:B(e,at,nt),array:e.createVertexArray(),targets:[0,1,2].map(()=>this.target(e))})}target(e){let r=e.createTexture(),t=e.createFramebuffer();e.bindTexture(e.TEXTURE_2D,r);for(let n of[e.TEXTURE_MIN_FILTER,e.TEXTURE_MAG_FILTER])e.texParameteri(e.TEXTURE_2D,n,e.LINEAR);for(let n of[e.TEXTURE_WRAP_S,e.TEXTURE_WRAP_T])e.texParameteri(e.TEXTURE_2D,n,e.CLAMP_TO_EDGE);return e.texImage2D(e.TEXTURE_2D,0,e.R8,X,X,0,e.RED,e.UNSIGNED_BYTE,null),e.bindFramebuffer(e.FRAMEBUFFER,t),e.framebufferTexture2D(e.FRAMEBUFFER,e.COLOR_ATTACHMENT0,e.TEXTURE_2D,r,0),e.bindFramebuffer(e.FRAMEBUFFER,null),{map:r,frame:t}}blur(e,r,t){let{gl:n,blurring:a}=this,i=this.targets[1];for(let[s,c,d]of[[e,i,[t,0]],[i,r,[0,t]]])n.bindFramebuffer(n.FRAMEBUFFER,c.frame),n.bindTexture(n.TEXTURE_2D,s.map),n.uniform2fv(a.at("jump"),d),n.drawArrays(n.TRIANGLE_STRIP,0,4)}shade(e,r){let{gl:t,targets:[n,,a]}=this;t.bindFramebuffer(t.FRAMEBUFFER,n.frame),t.viewport(0,0,X,X),t.clearColor(0,0,0,0),t.clear(t.COLOR_BUFFER_BIT),t.enable(t.BLEND),t.blendEquation(t.MAX),e.drawDots(r,Ae,X),t.blendEquation(t.FUNC_ADD),t.disable(t.BLEND),this.blurring.use(),t.bindVertexArray(this.array),t.uniform1i(this.blurring.at("map"),0),this.blur(n,a,.0102),this.blur(a,a,.0133),this.blur(n,n,.0031),t.bindVertexArray(null),t.bindFramebuffer(t.FRAMEBUFFER,null)}draw(e,r,t,n){let{gl:a,plane:i,targets:[s,,c]}=this;i.use(),a.uniformMatrix4fv(i.at("view"),!1,e.view),a.uniformMatrix4fv(i.at("projection"),!1,e.projection),a.uniform3fv(i.at("center"),r),a.uniform2fv(i.at("person"),t),a.uniform3fv(i.at("ink"),n?[.6,.64,.7]:[.4,.44,.52]),a.uniform1f(i.at("strength"),n?.85:.6);for(let[d,p,{map:b}]of[[0,"near",s],[1,"far",c]])a.activeTexture(a.TEXTURE0+d),a.bindTexture(a.TEXTURE_2D,b),a.uniform1i(i.at(p),d);a.activeTexture(a.TEXTURE0),a.bindVertexArray(this.array),a.drawArrays(a.TRIANGLE_STRIP,0,4),a.bindVertexArray(null)}};var Q=class{constructor({joints:e,parents:r}){this.rest=e,this.parents=r,this.count=r.length,this.turn=new Float64Array(4*this.count),this.at=new Float64Array(3*this.count),this.bones=new Float32Array(12*this.count),this.stand()}stand(){this.pose(null,0)}pose(e,r){let{rest:t,parents:n,turn:a,at:i,bones:s}=this,c=e?Math.min(Math.max(r*e.fps,0),e.frames-1):0,d=Math.floor(c),p=e?Math.min(d+1,e.frames-1):0,b=c-d;for(let w=0;w<this.count;w++){let m=0,u=0,x=0,v=1;if(e){let l=4*(d*this.count+w),y=4*(p*this.count+w),k=e.turns;m=k[l]+(k[y]-k[l])*b,u=k[l+1]+(k[y+1]-k[l+1])*b,x=k[l+2]+(k[y+2]-k[l+2])*b,v=k[l+3]+(k[y+3]-k[l+3])*b;let f=1/Math.hypot(m,u,x,v);m*=f,u*=f,x*=f,v*=f}let T=n[w],E=4*w,M=3*w;if(T<0){a.set([m,u,x,v],E);for(let l=0;l<3;l++){let y=e?e.moves[3*d+l]*(1-b)+e.moves[3*p+l]*b:0;i[M+l]=t[M+l]+y}}else{let[l,y,k,f]=a.subarray(4*T,4*T+4);a[E]=f*m+l*v+y*x-k*u,a[E+1]=f*u-l*x+y*v+k*m,a[E+2]=f*x+l*u-y*m+k*v,a[E+3]=f*v-l*m-y*u-k*x;let A=12*T;for(let R=0;R<3;R++)i[M+R]=s[A+4*R]*t[M]+s[A+4*R+1]*t[M+1]+s[A+4*R+2]*t[M+2]+s[A+4*R+3]}this.setBone(w)}}setBone(e){let{turn:r,at:t,rest:n,bones:a}=this,[i,s,c,d]=r.subarray(4*e,4*e+4),p=12*e,b=[1-2*(s*s+c*c),2*(i*s-d*c),2*(i*c+d*s),2*(i*s+d*c),1-2*(i*i+c*c),2*(s*c-d*i),2*(i*c-d*s),2*(s*c+d*i),1-2*(i*i+s*s)];for(let w=0;w<3;w++){let m=t[3*e+w];for(let u=0;u<3;u++)a[p+4*w+u]=b[3*w+u],m-=b[3*w+u]*n[3*e+u];a[p+4*w+3]=m}}heading(){let e=this.bones[2],r=this.bones[10];return Math.hypot(e,r)>.2?Math.atan2(e,r):0}},Z=class{constructor(e){let{count:r,low:t,size:n}=e;Object.assign(this,{count:r,index:e.skin_index,terms:e.terms,basis:e.basis}),this.amounts=new Float32Array(O),this.points=new Float32Array(3*r),this.weight=new Float32Array(4*r);for(let a=0;a<3*r;a++)this.points[a]=t[a%3]+n[a%3]*e.center[a]/65535;this.rest=e.terms?this.points.slice():this.points;for(let a=0;a<4*r;a++)this.weight[a]=e.skin_weight[a]/255;this.depth=new Float32Array(r),this.order=new Uint32Array(Math.ceil(r/S)*S),this.bins=new Uint32Array(65537),this.lines=new Float32Array(4*e.parents.length)}deform(e,r){let{amounts:t,points:n,rest:a,basis:i,terms:s,count:c}=this;if(!s)return;let d=e?Math.min(Math.max(r*e.fps,0),e.frames-1):0,p=Math.floor(d),b=e?Math.min(p+1,e.frames-1):0,w=d-p;for(let m=0;m<s;m++)t[m]=e?e.amounts[p*s+m]*(1-w)+e.amounts[b*s+m]*w:0;for(let m=0,u=0,x=0;m<c;m++,x+=3){let v=a[x],T=a[x+1],E=a[x+2];for(let M=0;M<s;M++,u+=3){let l=t[M];v+=l*i[u],T+=l*i[u+1],E+=l*i[u+2]}n[x]=v,n[x+1]=T,n[x+2]=E}}along(e,r,t,n=1){let{points:a,weight:i,index:s,lines:c,count:d}=this,[p,b,w]=r;for(let m=0,u=0;m<e.length;m+=12,u+=4)for(let x=0;x<4;x++)c[u+x]=p*e[m+x]+b*e[m+4+x]+w*e[m+8+x];for(let m=0;m<d;m+=n){let u=a[3*m],x=a[3*m+1],v=a[3*m+2],T=0;for(let E=4*m;E<4*m+4;E++){let M=i[E];if(M===0)break;let l=4*s[E];T+=M*(c[l]*u+c[l+1]*x+c[l+2]*v+c[l+3])}t[m]=T}return t}sort(e,r){let{depth:t,order:n,bins:a,count:i}=this;this.along(e,r,t);let s=1/0,c=-1/0;for(let p=0;p<i;p++)t[p]<s&&(s=t[p]),t[p]>c&&(c=t[p]);let d=65535/Math.max(c-s,1e-6);a.fill(0);for(let p=0;p<i;p++)a[((c-t[p])*d|0)+1]++;for(let p=1;p<65537;p++)a[p]+=a[p-1];for(let p=0;p<i;p++)n[a[(c-t[p])*d|0]++]=p;return n}};var ee={front:0,side:90,back:180},rt="T-pose";function it(o){let e=o.getExtension("WEBGL_debug_renderer_info");return/swiftshader|llvmpipe|software|basic render/i.test(e?String(o.getParameter(e.UNMASKED_RENDERER_WEBGL)):"")}function st(o,e={}){let r=ge(o,e),{canvas:t}=r,n={playing:!1,speed:1,clip:-1,time:0,duration:0,ready:!1,error:"",fps:0,count:0};o.dataset.state="loading";let a=t.getContext("webgl2",{alpha:!0,antialias:!1,depth:!1,premultipliedAlpha:!0,powerPreference:"high-performance"});if(!a)return r.fail("This browser cannot draw in 3D (WebGL 2 is off). The video shows the same person."),o.dataset.state="error",null;let i=it(a),s=Math.min(window.devicePixelRatio||1,2),c={ratio:i?Math.min(s,1):s,now:0,slow:0},d=new Y(r.stage,()=>{r.pressView(""),M=!1,l=!0}),p=[0,0,0],b=null,w=null,m=null,u=null,x=[],v=null,T=null,E={top:1.7,side:.6,floor:0},M=!1,l=!0,y=!1,k=!0,f=0,A=0,R=1,D=null,C=performance.now();function te(){o.dataset.theme=r.isDark()?"dark":"light",l=!0}function ae(){let h=Math.round(t.clientWidth*c.now),g=Math.round(t.clientHeight*c.now);if(!h||!g)return;t.width!==h&&(t.width=h),t.height!==g&&(t.height=g),l=!0;let _=t.clientWidth/t.clientHeight;M&&Math.abs(_/R-1)>.01&&de(d.goal.yaw,d.goal.pitch,!0)}function ne(h){c.now!==h&&(c.now=h,ae())}let V=()=>[u.at[0],u.at[1],u.at[2]];function Re(){let h=Math.max(1,Math.floor(m.count/1500)),g=[],_=[0,1,2].map(()=>new Float32Array(m.count)),I=-1/0,L=.2;for(let j=0;j<(v?10:1);j++){u.pose(v,n.duration*j/10);let W=V();_.forEach((N,se)=>m.along(u.bones,[se===0,se===1,se===2].map(Number),N,h));let ie=1/0;for(let N=0;N<m.count;N+=h)ie=Math.min(ie,_[1][N]),I=Math.max(I,_[1][N]),L=Math.max(L,Math.hypot(_[0][N]-W[0],_[2][N]-W[2]));g.push(ie)}g.sort((j,W)=>j-W);let z=g[Math.floor(g.length*.1)];E={floor:z,top:I-z,side:L}}function de(h,g,_){R=t.clientWidth/Math.max(t.clientHeight,1),M=l=!0,d.frame({at:V(),...E},R,h,g),_&&d.settle()}function re(h,g=!1){de(u.heading()+h*Math.PI/180,.122,g),r.pressView(Object.keys(ee).find(_=>ee[_]===h)||""),l=!0}function H(h){let g=typeof h=="string"?x.findIndex(_=>_&&_.name===h):h;return g>=0&&g<x.length?(v=x[g].frames?x[g]:null,n.clip=g,n.duration=v?Math.max(v.duration,.001):.001,n.time=0,Re(),r.setClip(g,n.duration,!!v&&v.duration>.05),P(0),[p[0],,p[2]]=V(),re(e.yaw??20,!0),T&&T.selectClip(x[g].name),!0):!1}function P(h){u&&(n.time=(h%n.duration+n.duration)%n.duration,u.pose(v,n.time),m.deform(v,n.time),y=l=!0)}function U(h=!0){n.playing=h&&!!v&&v.duration>.05,r.setPlaying(n.playing),C=performance.now(),l=!0}function Fe(h){c.slow=h>.06?c.slow+1:Math.max(0,c.slow-.5),!(c.slow<12||c.ratio<=.5)&&(c.slow=0,c.ratio=Math.max(.5,c.ratio*.8))}function _e(h){let g=V(),_=1-Math.exp(-h*6);for(let I of[0,2]){let L=g[I]-p[I],z=Math.abs(L)>1.2?L:L*_;Math.abs(z)<1e-5||(p[I]+=z,d.shift(I?0:z,I?z:0),l=!0)}}function Se(){return!D||a.getSyncParameter(D,a.SYNC_STATUS)!==a.SIGNALED?!!D:(a.deleteSync(D),D=null,!1)}function ue(){if(requestAnimationFrame(ue),Se())return;let h=Math.min((performance.now()-C)/1e3,.4);if(C=performance.now(),!k||document.hidden||!n.ready)return;n.playing&&(A>3&&Fe(h),n.fps+=(1/Math.max(h,.001)-n.fps)*.1,P(n.time+h*n.speed)),_e(h);let g=d.step(h);g&&(l=!0),g||n.playing?(ne(c.ratio),f=0):++f===8&&ne(Math.max(s,i?1.5:1)),c.now||ne(c.ratio),T&&T.news()&&(l=!0),l&&De()}function De(){if(l=!1,!t.width||!t.height)return;let h=d.camera(t.width,t.height),g=[p[0],E.floor,p[2]];y&&(b.pose(u.bones,m.amounts),e.floor!==!1&&w.shade(b,[u.at[0],E.floor,u.at[2]]),y=!1);let _=m.sort(u.bones,h.forward);b.project(h),a.viewport(0,0,t.width,t.height),a.clearColor(0,0,0,0),a.clear(a.COLOR_BUFFER_BIT),a.enable(a.BLEND),a.blendFunc(a.ONE,a.ONE_MINUS_SRC_ALPHA),e.floor!==!1&&w.draw(h,g,[u.at[0],u.at[2]],o.dataset.theme==="dark"),b.draw(h,_),D=a.fenceSync(a.SYNC_GPU_COMMANDS_COMPLETE,0),a.flush(),A++,r.setTime(n.time,n.duration),o.dataset.time=n.time.toFixed(3),T&&T.show(h,n)}function Ie(h){let g=Ee(h);m=new Z(g),u=new Q(g),b=new K(a,g),w=w||new J(a),n.count=g.count;let _={name:rt,frames:0};x=e.compare&&g.motions.length?g.motions:[...g.motions,_],r.setClips(x.map(({name:L})=>L)),n.ready=!0,H(Math.max(x.findIndex(({name:L})=>L===e.motion),0));let I=window.matchMedia("(prefers-reduced-motion: reduce)").matches;U(e.autoplay!==!1&&!I),o.dataset.state="ready",r.busy(!1)}async function fe(h){o.dataset.state="loading",r.busy(!0);try{let g=await fetch(h);if(!g.ok)throw new Error(`${g.status}`);Ie(await g.arrayBuffer())}catch(g){n.error=String(g),n.ready=!1,o.dataset.state="error",r.fail("The 3D person could not be loaded. Reload the page, or use the downloads.")}}let G={state:n,load:fe,seek:P,play:U,pause:()=>U(!1),selectClip:H,orbit:d,view:h=>h in ee&&re(ee[h]),setSpeed:h=>{n.speed=h,r.setSpeed(h)},clips:()=>x.map(({name:h})=>h)};return r.connect({toggle:()=>U(!n.playing),scrub:h=>{U(!1),P(Math.min(h,.9999)*n.duration)},step:h=>{U(!1),P(n.time+h/30)},speed:h=>{n.speed=h},clip:h=>{let g=n.playing;H(h),U(g||!!v)},view:G.view,optional:()=>{},theme:te}),ve(o,r,e,{theme:te,orbit:d,reset:()=>re(e.yaw??20)}),e.compare&&(T=ye(r,e.compare,{resize:ae,theme:()=>o.dataset.theme})),window.addEventListener("message",({data:h})=>{!h||h.humanav!=="player"||("clip"in h&&(H(h.clip),U(!0)),"time"in h&&P(h.time),"play"in h&&U(!!h.play),"view"in h&&G.view(h.view))}),t.addEventListener("webglcontextlost",h=>{h.preventDefault(),n.ready=!1,r.fail("The graphics were reset. Reload the page to see the person again.")}),new ResizeObserver(ae).observe(t),new IntersectionObserver(([h])=>{k=h.isIntersecting,l=!0}).observe(r.stage),te(),ue(),e.splats&&fe(e.splats),o.humanavPlayer=G,window.humanavPlayer=G,G}return Pe(ot);})();
