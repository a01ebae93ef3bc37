/* humanav player of Gaussians, Apache-2.0 */
var HumanavSplats=(()=>{var se=Object.defineProperty;var Le=Object.getOwnPropertyDescriptor;var Ue=Object.getOwnPropertyNames;var Ne=Object.prototype.hasOwnProperty;var ze=(s,e)=>{for(var r in e)se(s,r,{get:e[r],enumerable:!0})},Ce=(s,e,r,t)=>{if(e&&typeof e=="object"||typeof e=="function")for(let n of Ue(e))!Ne.call(s,n)&&n!==r&&se(s,n,{get:()=>e[n],enumerable:!(t=Le(e,n))||t.enumerable});return s};var Pe=s=>Ce(se({},"__esModule",{value:!0}),s);var st={};ze(st,{mount:()=>ot});var me=`
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
}`,Be={play:"M8 5v14l11-7z",pause:"M7 5h4v14H7zM14 5h4v14h-4z",full:"M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"};function A(s,e={},...r){let t=document.createElement(s);for(let[n,a]of Object.entries(e))t.setAttribute(n,a);return t.append(...r),t}function ce(s,e){let r=document.createElementNS("http://www.w3.org/2000/svg","svg");for(let[n,a]of Object.entries({viewBox:"0 0 24 24",width:20,height:20,"aria-hidden":"true"}))r.setAttribute(n,a);let t=document.createElementNS("http://www.w3.org/2000/svg","path");return t.setAttribute("d",Be[s]),t.setAttribute("fill",e?"none":"currentColor"),e&&(t.setAttribute("stroke","currentColor"),t.setAttribute("stroke-width","2")),r.append(t),r}function xe(s){let e=s.replace(/[_-]+/g," ").trim();return e?e[0].toUpperCase()+e.slice(1):"Animation"}function be(s){return`${Math.floor(s/60)}:${(s%60).toFixed(1).padStart(4,"0")}`}function ge(s,e){s.classList.add("hp");let r=A("style");r.textContent=Oe+me;let t=A("canvas",{id:"humanav-canvas",tabindex:"0",role:"img","aria-label":`${e.title||"3D person"}. Drag to turn, pinch or scroll to zoom. Space plays and pauses, arrow keys step, 1 2 3 show front, side and back.`}),n=A("div",{class:"hp-views",role:"group","aria-label":"View"}),a=["front","side","back"].map(h=>A("button",{type:"button","data-view":h,"aria-pressed":"false"},xe(h)));n.append(...a);let i=A("button",{type:"button","aria-label":"Full screen",title:"Full screen",style:"padding:0 8px"},ce("full",!0)),o=A("button",{type:"button","aria-pressed":"false",hidden:""},e.optional||""),c=A("div",{class:"hp-corner"},o,i);i.hidden=!document.fullscreenEnabled;let u=A("div",{class:"hp-note"},"grid: 1 m"),l=A("div",{class:"hp-message",role:"status"},"Loading the 3D model ..."),w=A("div",{class:"hp-names",hidden:""}),g=A("div",{class:"hp-stage"},t,w,l,n,c,u),m=A("button",{type:"button",class:"hp-play","aria-label":"Play"},ce("play")),f=A("input",{type:"range",class:"hp-scrub",min:"0",max:"1000",value:"0","aria-label":"Position in the animation"}),x=A("span",{class:"hp-time"},"0:00.0"),v=A("select",{"aria-label":"Speed"});for(let h of[.25,.5,1,1.5,2])v.append(A("option",{value:h},`${h}x`));v.value="1";let E=A("select",{"aria-label":"Animation"}),k=A("div",{class:"hp-bar"},m,f,x,v,E);k.hidden=!0,s.replaceChildren(r,g,k);let M=(()=>{try{return window.parent.document.body}catch{return null}})(),p=window.matchMedia("(prefers-color-scheme: dark)"),y="";return{canvas:t,stage:g,isDark(){return e.theme==="dark"||e.theme==="light"?e.theme==="dark":M&&M!==document.body?M.classList.contains("dark"):document.body.classList.contains("dark")||p.matches},busy(h){l.hidden=!h,h&&(l.textContent="Loading the 3D model ...")},fail(h){l.hidden=!1,l.textContent=h,l.setAttribute("role","alert")},setPeople(h,T){let R=T||h.includes(e.optional);o.hidden=!R,o.setAttribute("aria-pressed",String(R&&!T)),w.hidden=h.length<2,u.hidden=h.length>1,w.replaceChildren(...h.map(S=>{let L=A("i");return L.style.background=(e.colors||{})[S]||"currentColor",A("div",{},A("span",{},L,S))}))},setClips(h){E.replaceChildren(...h.map((T,R)=>A("option",{value:R},xe(T)))),E.hidden=h.length<2,k.hidden=h.length===0,k.classList.toggle("hp-single",E.hidden)},setClip(h,T,R){E.value=String(h);for(let S of[m,f,x,v])S.hidden=!R;k.hidden=!R&&E.hidden},setPlaying(h){m.setAttribute("aria-label",h?"Pause":"Play"),m.replaceChildren(ce(h?"pause":"play"))},setSpeed(h){v.value=String(h)},setTime(h,T){let R=`${be(h)} / ${be(T)}`;R!==y&&(y=x.textContent=R,f.value=String(Math.round(1e3*h/(T||1))),f.setAttribute("aria-valuetext",`${h.toFixed(1)} seconds`))},pressView(h){for(let T of a)T.setAttribute("aria-pressed",String(T.dataset.view===h))},connect(h){m.addEventListener("click",h.toggle),f.addEventListener("input",()=>h.scrub(f.value/1e3)),v.addEventListener("change",()=>h.speed(Number(v.value))),E.addEventListener("change",()=>h.clip(Number(E.value)));for(let T of a)T.addEventListener("click",()=>h.view(T.dataset.view));o.addEventListener("click",h.optional),i.addEventListener("click",()=>document.fullscreenElement?document.exitFullscreen():s.requestFullscreen()),s.addEventListener("keydown",T=>{if(T.target.matches("select, input, button"))return;let R={" ":h.toggle,ArrowLeft:()=>h.step(-1),ArrowRight:()=>h.step(1),1:()=>h.view("front"),2:()=>h.view("side"),3:()=>h.view("back")}[T.key];R&&(T.preventDefault(),R())}),p.addEventListener("change",h.theme),M&&new MutationObserver(h.theme).observe(M,{attributes:!0,attributeFilter:["class"]})}}}var W=24*Math.PI/180,le=.05,he=100,Ge=-.17,je=1.5,$e=.4,we=14,pe=(s,e,r)=>Math.min(Math.max(s,e),r),q=class{constructor(e,r){this.surface=e,this.touched=r,this.goal={yaw:0,pitch:.12,distance:4,target:[0,.85,0]},this.now=structuredClone(this.goal),this.fingers=new Map,this.listen()}listen(){let{surface:e,fingers:r}=this;e.style.touchAction="none",e.addEventListener("contextmenu",t=>t.preventDefault()),e.addEventListener("pointerdown",t=>{t.target.closest("button, select, input, [role=slider]")||(r.set(t.pointerId,{x:t.clientX,y:t.clientY,pan:t.button>0||t.shiftKey||t.ctrlKey}),e.setPointerCapture(t.pointerId))}),e.addEventListener("pointermove",t=>{let n=r.get(t.pointerId);if(!n)return;let a=t.clientX-n.x,i=t.clientY-n.y;if(r.size===2){let[o]=[...r].filter(([l])=>l!==t.pointerId).map(([,l])=>l),c=Math.hypot(n.x-o.x,n.y-o.y),u=Math.hypot(t.clientX-o.x,t.clientY-o.y);c>0&&u>0&&this.zoom(c/u),this.pan(a/2,i/2)}else n.pan?this.pan(a,i):this.turn(a,i);n.x=t.clientX,n.y=t.clientY,this.touched()});for(let t of["pointerup","pointercancel"])e.addEventListener(t,n=>r.delete(n.pointerId));e.addEventListener("wheel",t=>{t.preventDefault(),this.zoom(Math.exp(pe(t.deltaY*(t.deltaMode?30:1),-120,120)*.0013)),this.touched()},{passive:!1})}turn(e,r){this.goal.yaw-=e/this.surface.clientHeight*2*Math.PI,this.goal.pitch=pe(this.goal.pitch+r/this.surface.clientHeight*Math.PI,Ge,je)}zoom(e){this.goal.distance=pe(this.goal.distance*e,$e,we)}pan(e,r){let{goal:t}=this,n=2*Math.tan(W/2)*t.distance/this.surface.clientHeight,[a,i]=this.axes(t);for(let o=0;o<3;o++)t.target[o]+=n*(i[o]*r-a[o]*e)}shift(e,r){for(let t of[this.goal,this.now])t.target[0]+=e,t.target[2]+=r}settle(){this.now=structuredClone(this.goal)}step(e){let{goal:r,now:t}=this,n=1-Math.exp(-e*16),a=2*Math.tan(W/2)*t.distance,i=Math.max(Math.abs(r.yaw-t.yaw),Math.abs(r.pitch-t.pitch),Math.abs(Math.log(r.distance/t.distance)),...r.target.map((o,c)=>Math.abs(o-t.target[c])/a));if(i===0)return!1;if(i<4e-4)return this.settle(),!0;for(let o of["yaw","pitch","distance"])t[o]+=(r[o]-t[o])*n;return r.target.forEach((o,c)=>{t.target[c]+=(o-t.target[c])*n}),!0}axes({yaw:e,pitch:r}){let[t,n,a,i]=[Math.sin(e),Math.cos(e),Math.sin(r),Math.cos(r)];return[[n,0,-t],[-t*a,i,-n*a],[t*i,a,n*i]]}camera(e,r){let{now:t}=this,n=this.axes(t),[a,i,o]=n,c=t.target.map((g,m)=>g+o[m]*t.distance),u=n.map(g=>-g.reduce((m,f,x)=>m+f*c[x],0)),l=1/Math.tan(W/2),w=le-he;return{position:c,target:t.target,forward:o.map(g=>-g),screen:[e,r],focal:[l*r/2,l*r/2],view:[a[0],i[0],o[0],0,a[1],i[1],o[1],0,a[2],i[2],o[2],0,...u,1],projection:[l*r/e,0,0,0,0,l,0,0,0,0,(he+le)/w,-1,0,0,2*he*le/w,0]}}frame({at:e,floor:r,top:t,side:n},a,i,o){let c=Math.tan(W/2),u=a<1,l=Math.max(t*(u?1.22:1.16)/2/c,n*1.04/(c*a))+n*.3,w=Math.round((this.now.yaw-i)/(2*Math.PI));this.goal={yaw:i+w*2*Math.PI,pitch:o,distance:Math.min(l,we),target:[e[0],r+t*(u?.535:.49),e[2]]}}};var Xe="M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM12 3v18";function ve(s,e,r,t){r.floor===!1&&(s.querySelector(".hp-note").hidden=!0);let n=s.querySelector(".hp-corner"),a=document.createElement("button");a.type="button",a.style.padding="0 8px",a.title="Light or dark",a.setAttribute("aria-label",a.title),a.innerHTML=`<svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="${Xe}" fill="none"
    stroke="currentColor" stroke-width="2"/><path d="M12 3a9 9 0 0 1 0 18z" fill="currentColor"/></svg>`,a.addEventListener("click",()=>{r.theme=s.dataset.theme==="dark"?"light":"dark",t.theme()}),n.prepend(a),e.canvas.setAttribute("aria-label",`${r.title||"3D person"}. Drag to turn, two fingers or the right button to move,
    pinch or scroll to zoom. Space plays and pauses, arrow keys step, with Shift they turn; plus and minus zoom, 0 shows
    everything again, 1 2 3 show front, side and back.`.replace(/\s+/g," "));let i=(o,c)=>()=>t.orbit.turn(o*.04*e.stage.clientHeight,c*.04*e.stage.clientHeight);s.addEventListener("keydown",o=>{if(o.target.matches("select, input, button, [role=slider]"))return;let c={"+":()=>t.orbit.zoom(.9),"=":()=>t.orbit.zoom(.9),"-":()=>t.orbit.zoom(1/.9),0:t.reset}[o.key]||o.shiftKey&&{ArrowLeft:i(1,0),ArrowRight:i(-1,0),ArrowUp:i(0,-1),ArrowDown:i(0,1)}[o.key];c&&(o.preventDefault(),o.stopPropagation(),c())},{capture:!0}),e.stage.addEventListener("dblclick",o=>{o.target.closest("button, [role=slider]")||t.reset()})}var Ve=`
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
.hp-stage[data-compare=beside] .hc-mesh { right: 50%; border-right: 1px solid rgba(128,128,128,.35); }`;function ye(s,{glb:e,labels:r,beside:t},n){let{stage:a,canvas:i}=s,o=document.createElement("style");o.textContent=Ve;let c=document.createElement("div"),u=document.createElement("div"),l=document.createElement("button");c.className="hc-mesh";let w=document.createElement("div");w.style.height="100%",c.append(w),u.className="hc-line";for(let[p,y]of Object.entries({role:"slider",tabindex:"0","aria-label":`${r[0]} or ${r[1]}`,"aria-valuemin":"0","aria-valuemax":"100"}))u.setAttribute(p,y);let g=r.map((p,y)=>{let h=document.createElement("span");return h.className=`hc-name ${y?"hc-right":"hc-left"}`,h.textContent=p,h});i.after(c,...g,u),a.prepend(o),l.type="button",l.style.padding="0 8px",l.title="Side by side",l.setAttribute("aria-label",l.title),l.innerHTML=`<svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="M4 5h6v14H4zM14 5h6v14h-6z"
    fill="none" stroke="currentColor" stroke-width="2"/></svg>`,a.querySelector(".hp-corner").prepend(l);let m=window.humanavPlayer,f=window.HumanavPlayer.mount(w,{glb:e,autoplay:!1,theme:n.theme()});window.humanavPlayer=m;let x=.5,v=null,E=!1;function k(p){x=Math.min(Math.max(p,0),1);let y=a.dataset.compare==="beside";c.style.clipPath=y?"":`inset(0 ${100*(1-x)}% 0 0)`,i.style.clipPath=y?"":`inset(0 0 0 ${100*x}%)`,u.style.left=`${100*x}%`,u.setAttribute("aria-valuenow",String(Math.round(100*x)))}function M(p){a.dataset.compare=p?"beside":"slider",l.setAttribute("aria-pressed",String(p)),k(x),n.resize()}return u.addEventListener("pointerdown",p=>{u.setPointerCapture(p.pointerId),p.stopPropagation()}),u.addEventListener("pointermove",p=>{if(!u.hasPointerCapture(p.pointerId))return;let{left:y,width:h}=a.getBoundingClientRect();k((p.clientX-y)/h)}),u.addEventListener("keydown",p=>{let y={ArrowLeft:-.05,ArrowRight:.05}[p.key];y&&(k(x+y),p.preventDefault(),p.stopPropagation())}),l.addEventListener("click",()=>M(a.dataset.compare!=="beside")),M(!!t),{selectClip(p){v=p},news(){let p=!E&&!!f&&f.state.ready;return E=E||p,p},show(p,y){!f||!f.state.ready||(v!==null&&(f.selectClip(v),f.setSpeed(0),v=null),f.state.playing!==y.playing&&f.play(y.playing),f.setTheme(n.theme()),f.seeFrom(p.position,p.target),Math.abs(f.state.time-y.time)>1e-4&&f.seek(y.time))}}}var He={U8:Uint8Array,I8:Int8Array,U16:Uint16Array,I16:Int16Array,F16:Uint16Array,F32:Float32Array},We="humanav skinned splats 1";function Ee(s){let e=Number(new DataView(s).getBigUint64(0,!0)),r=JSON.parse(new TextDecoder().decode(new Uint8Array(s,8,e))),t=r.__metadata__||{};if(t.format!==We)throw new Error("This is not a file of skinned Gaussians.");let n=u=>{let{dtype:l,data_offsets:[w,g]}=r[u];return new He[l](s.slice(8+e+w,8+e+g))},a=JSON.parse(t.motions).map(({name:u,fps:l},w)=>{let g=n(`motion.${w}`),m=n(`transl.${w}`),f=m.length/3,x=r.basis?n(`amounts.${w}`):null;return{name:u,fps:l,turns:g,moves:m,amounts:x,frames:f,duration:(f-1)/l}}),[i,o]=JSON.parse(t.box),c={low:i,size:o.map((u,l)=>u-i[l]),motions:a,count:r.center.shape[0]};for(let u of["center","rotation","scale","color","skin_index","skin_weight","joints","parents"])c[u]=n(u);return c.terms=r.basis?r.basis.shape[1]:0,c.basis=c.terms?n("basis"):null,c}var _=1024;function Te(s){let{count:e}=s,r=Math.ceil(e/_),t=new Uint32Array(r*_*8),n=(a,i)=>a[4*i]&255|(a[4*i+1]&255)<<8|(a[4*i+2]&255)<<16|(a[4*i+3]&255)<<24;for(let a=0,i=0;a<e;a++,i+=8)t[i]=s.center[3*a]|s.center[3*a+1]<<16,t[i+1]=s.center[3*a+2]|s.scale[3*a+2]<<16,t[i+2]=n(s.color,a),t[i+3]=n(s.rotation,a),t[i+4]=s.scale[3*a]|s.scale[3*a+1]<<16,t[i+5]=n(s.skin_index,a),t[i+6]=n(s.skin_weight,a);return{words:t,height:r}}var P=8;function ke({count:s,terms:e,basis:r},t){let n=new Uint32Array(t*_*P);for(let a=0,i=0;a<s;a++)for(let o=0;o<e;o++,i+=3)n[a*P+o]=r[i]&255|(r[i+1]&255)<<8|(r[i+2]&255)<<16;return n}var Me=`
precision highp float; precision highp int; precision highp usampler2D; precision highp sampler2D;
uniform usampler2D gaussians, basis; uniform sampler2D bones; uniform vec3 low, size;
uniform float amounts[${P}]; uniform int terms;
struct Gaussian { vec3 center; mat3 axes; vec4 color; };
vec4 bytes(uint v) { return vec4(uvec4(v, v >> 8, v >> 16, v >> 24) & 255u); }
Gaussian posed(uint which) {
  ivec2 at = ivec2(int(which % ${_}u) * 2, int(which / ${_}u));
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
  uint which = uint(gl_FragCoord.y) * ${_}u + uint(gl_FragCoord.x);
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
  uint which = texelFetch(order, ivec2(place % ${_}, place / ${_}), 0).x;
  ivec2 cell = ivec2(int(which % ${_}u), int(which / ${_}u));
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
void main() { color = vec4(dark); }`;function O(s,e,r){let t=s.createProgram();for(let[a,i]of[[s.VERTEX_SHADER,e],[s.FRAGMENT_SHADER,r]]){let o=s.createShader(a);s.shaderSource(o,i),s.compileShader(o),s.attachShader(t,o)}if(s.linkProgram(t),!s.getProgramParameter(t,s.LINK_STATUS))throw new Error(s.getAttachedShaders(t).map(a=>s.getShaderInfoLog(a)).join("")||s.getProgramInfoLog(t));let n={};return{made:t,use(){return s.useProgram(t),this},at(a){return a in n?n[a]:n[a]=s.getUniformLocation(t,a)}}}function j(s,e,r,t,n,a,i){let o=s.createTexture();s.bindTexture(s.TEXTURE_2D,o);for(let c of[s.TEXTURE_MIN_FILTER,s.TEXTURE_MAG_FILTER])s.texParameteri(s.TEXTURE_2D,c,s.NEAREST);return s.texImage2D(s.TEXTURE_2D,0,e,r,t,0,n,a,i),o}var Y=class{constructor(e,r){let{words:t,height:n}=Te(r),{count:a}=r;Object.assign(this,{gl:e,file:r,height:n,joints:r.parents.length}),this.projecting=O(e,qe,Ye),this.splats=O(e,Ke,Je),this.dots=O(e,Qe,Ze),this.data=j(e,e.RGBA32UI,2*_,n,e.RGBA_INTEGER,e.UNSIGNED_INT,t),this.basis=r.terms?j(e,e.RGBA32UI,2*_,n,e.RGBA_INTEGER,e.UNSIGNED_INT,ke(r,n)):this.data,this.bones=j(e,e.RGBA32F,3,this.joints,e.RGBA,e.FLOAT,null),this.order=j(e,e.R32UI,_,n,e.RED_INTEGER,e.UNSIGNED_INT,null),this.ellipses=j(e,e.RGBA32UI,_,n,e.RGBA_INTEGER,e.UNSIGNED_INT,null),this.target=e.createFramebuffer(),e.bindFramebuffer(e.FRAMEBUFFER,this.target),e.framebufferTexture2D(e.FRAMEBUFFER,e.COLOR_ATTACHMENT0,e.TEXTURE_2D,this.ellipses,0),e.bindFramebuffer(e.FRAMEBUFFER,null);let i=new Uint32Array(6*a);for(let o=0,c=0;o<a;o++)for(let u of[0,1,2,2,1,3])i[c++]=4*o+u;this.none=e.createVertexArray(),this.array=e.createVertexArray(),e.bindVertexArray(this.array),e.bindBuffer(e.ELEMENT_ARRAY_BUFFER,e.createBuffer()),e.bufferData(e.ELEMENT_ARRAY_BUFFER,i,e.STATIC_DRAW),e.bindVertexArray(null)}pose(e,r){let{gl:t}=this;this.amounts=r,t.bindTexture(t.TEXTURE_2D,this.bones),t.texSubImage2D(t.TEXTURE_2D,0,0,0,3,this.joints,t.RGBA,t.FLOAT,e)}bind(e,r){let{gl:t,file:n}=this;e.use(),Object.entries(r).forEach(([a,i],o)=>{t.activeTexture(t.TEXTURE0+o),t.bindTexture(t.TEXTURE_2D,i),t.uniform1i(e.at(a),o)}),t.activeTexture(t.TEXTURE0),t.uniform3fv(e.at("low"),n.low),t.uniform3fv(e.at("size"),n.size),r.bones&&(t.uniform1i(e.at("terms"),n.terms),t.uniform1fv(e.at("amounts"),this.amounts))}project(e){let{gl:r,projecting:t}=this;this.bind(t,{gaussians:this.data,basis:this.basis,bones:this.bones}),r.uniformMatrix4fv(t.at("view"),!1,e.view),r.uniformMatrix4fv(t.at("projection"),!1,e.projection),r.uniform2fv(t.at("focal"),e.focal),r.uniform2fv(t.at("screen"),e.screen),r.bindFramebuffer(r.FRAMEBUFFER,this.target),r.viewport(0,0,_,this.height),r.disable(r.BLEND),r.bindVertexArray(this.none),r.drawArrays(r.TRIANGLES,0,3),r.bindFramebuffer(r.FRAMEBUFFER,null)}draw(e,r){let{gl:t,splats:n}=this;t.bindTexture(t.TEXTURE_2D,this.order),t.texSubImage2D(t.TEXTURE_2D,0,0,0,_,this.height,t.RED_INTEGER,t.UNSIGNED_INT,r),this.bind(n,{gaussians:this.data,ellipses:this.ellipses,order:this.order}),t.uniform2fv(n.at("screen"),e.screen),t.bindVertexArray(this.array),t.drawElements(t.TRIANGLES,6*this.file.count,t.UNSIGNED_INT,0),t.bindVertexArray(null)}drawDots(e,r,t){let{gl:n,dots:a,file:i}=this,o=Math.max(1,Math.round(i.count/6e3));this.bind(a,{gaussians:this.data,basis:this.basis,bones:this.bones}),n.uniform3fv(a.at("center"),e),n.uniform1f(a.at("side"),r),n.uniform1f(a.at("texels"),t),n.uniform1ui(a.at("stride"),o),n.bindVertexArray(this.none),n.drawArrays(n.POINTS,0,Math.floor(i.count/o)),n.bindVertexArray(null)}};var Ae=2.8,$=128,et=`#version 300 es
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
}`,K=class{constructor(e){Object.assign(this,{gl:e,blurring:O(e,et,tt),plane:O(e,at,nt),array:e.createVertexArray(),targets:[0,1,2].map(()=>this.target(e))})}target(e){let r=e.createTexture(),t=e.createFramebuffer();e.bindTexture(e.TEXTURE_2D,r);for(let n of[e.TEXTURE_MIN_FILTER,e.TEXTURE_MAG_FILTER])e.texParameteri(e.TEXTURE_2D,n,e.LINEAR);for(let n of[e.TEXTURE_WRAP_S,e.TEXTURE_WRAP_T])e.texParameteri(e.TEXTURE_2D,n,e.CLAMP_TO_EDGE);return e.texImage2D(e.TEXTURE_2D,0,e.R8,$,$,0,e.RED,e.UNSIGNED_BYTE,null),e.bindFramebuffer(e.FRAMEBUFFER,t),e.framebufferTexture2D(e.FRAMEBUFFER,e.COLOR_ATTACHMENT0,e.TEXTURE_2D,r,0),e.bindFramebuffer(e.FRAMEBUFFER,null),{map:r,frame:t}}blur(e,r,t){let{gl:n,blurring:a}=this,i=this.targets[1];for(let[o,c,u]of[[e,i,[t,0]],[i,r,[0,t]]])n.bindFramebuffer(n.FRAMEBUFFER,c.frame),n.bindTexture(n.TEXTURE_2D,o.map),n.uniform2fv(a.at("jump"),u),n.drawArrays(n.TRIANGLE_STRIP,0,4)}shade(e,r){let{gl:t,targets:[n,,a]}=this;t.bindFramebuffer(t.FRAMEBUFFER,n.frame),t.viewport(0,0,$,$),t.clearColor(0,0,0,0),t.clear(t.COLOR_BUFFER_BIT),t.enable(t.BLEND),t.blendEquation(t.MAX),e.drawDots(r,Ae,$),t.blendEquation(t.FUNC_ADD),t.disable(t.BLEND),this.blurring.use(),t.bindVertexArray(this.array),t.uniform1i(this.blurring.at("map"),0),this.blur(n,a,.0102),this.blur(a,a,.0133),this.blur(n,n,.0031),t.bindVertexArray(null),t.bindFramebuffer(t.FRAMEBUFFER,null)}draw(e,r,t,n){let{gl:a,plane:i,targets:[o,,c]}=this;i.use(),a.uniformMatrix4fv(i.at("view"),!1,e.view),a.uniformMatrix4fv(i.at("projection"),!1,e.projection),a.uniform3fv(i.at("center"),r),a.uniform2fv(i.at("person"),t),a.uniform3fv(i.at("ink"),n?[.6,.64,.7]:[.4,.44,.52]),a.uniform1f(i.at("strength"),n?.85:.6);for(let[u,l,{map:w}]of[[0,"near",o],[1,"far",c]])a.activeTexture(a.TEXTURE0+u),a.bindTexture(a.TEXTURE_2D,w),a.uniform1i(i.at(l),u);a.activeTexture(a.TEXTURE0),a.bindVertexArray(this.array),a.drawArrays(a.TRIANGLE_STRIP,0,4),a.bindVertexArray(null)}};var J=class{constructor({joints:e,parents:r}){this.rest=e,this.parents=r,this.count=r.length,this.turn=new Float64Array(4*this.count),this.at=new Float64Array(3*this.count),this.bones=new Float32Array(12*this.count),this.stand()}stand(){this.pose(null,0)}pose(e,r){let{rest:t,parents:n,turn:a,at:i,bones:o}=this,c=e?Math.min(Math.max(r*e.fps,0),e.frames-1):0,u=Math.floor(c),l=e?Math.min(u+1,e.frames-1):0,w=c-u;for(let g=0;g<this.count;g++){let m=0,f=0,x=0,v=1;if(e){let p=4*(u*this.count+g),y=4*(l*this.count+g),h=e.turns;m=h[p]+(h[y]-h[p])*w,f=h[p+1]+(h[y+1]-h[p+1])*w,x=h[p+2]+(h[y+2]-h[p+2])*w,v=h[p+3]+(h[y+3]-h[p+3])*w;let T=1/Math.hypot(m,f,x,v);m*=T,f*=T,x*=T,v*=T}let E=n[g],k=4*g,M=3*g;if(E<0){a.set([m,f,x,v],k);for(let p=0;p<3;p++){let y=e?e.moves[3*u+p]*(1-w)+e.moves[3*l+p]*w:0;i[M+p]=t[M+p]+y}}else{let[p,y,h,T]=a.subarray(4*E,4*E+4);a[k]=T*m+p*v+y*x-h*f,a[k+1]=T*f-p*x+y*v+h*m,a[k+2]=T*x+p*f-y*m+h*v,a[k+3]=T*v-p*m-y*f-h*x;let R=12*E;for(let S=0;S<3;S++)i[M+S]=o[R+4*S]*t[M]+o[R+4*S+1]*t[M+1]+o[R+4*S+2]*t[M+2]+o[R+4*S+3]}this.setBone(g)}}setBone(e){let{turn:r,at:t,rest:n,bones:a}=this,[i,o,c,u]=r.subarray(4*e,4*e+4),l=12*e,w=[1-2*(o*o+c*c),2*(i*o-u*c),2*(i*c+u*o),2*(i*o+u*c),1-2*(i*i+c*c),2*(o*c-u*i),2*(i*c-u*o),2*(o*c+u*i),1-2*(i*i+o*o)];for(let g=0;g<3;g++){let m=t[3*e+g];for(let f=0;f<3;f++)a[l+4*g+f]=w[3*g+f],m-=w[3*g+f]*n[3*e+f];a[l+4*g+3]=m}}heading(){let e=this.bones[2],r=this.bones[10];return Math.hypot(e,r)>.2?Math.atan2(e,r):0}},Q=class{constructor(e){let{count:r,low:t,size:n}=e;Object.assign(this,{count:r,index:e.skin_index,terms:e.terms,basis:e.basis}),this.amounts=new Float32Array(P),this.points=new Float32Array(3*r),this.weight=new Float32Array(4*r);for(let a=0;a<3*r;a++)this.points[a]=t[a%3]+n[a%3]*e.center[a]/65535;this.rest=e.terms?this.points.slice():this.points;for(let a=0;a<4*r;a++)this.weight[a]=e.skin_weight[a]/255;this.depth=new Float32Array(r),this.order=new Uint32Array(Math.ceil(r/_)*_),this.bins=new Uint32Array(65537),this.lines=new Float32Array(4*e.parents.length)}deform(e,r){let{amounts:t,points:n,rest:a,basis:i,terms:o,count:c}=this;if(!o)return;let u=e?Math.min(Math.max(r*e.fps,0),e.frames-1):0,l=Math.floor(u),w=e?Math.min(l+1,e.frames-1):0,g=u-l;for(let m=0;m<o;m++)t[m]=e?e.amounts[l*o+m]*(1-g)+e.amounts[w*o+m]*g:0;for(let m=0,f=0,x=0;m<c;m++,x+=3){let v=a[x],E=a[x+1],k=a[x+2];for(let M=0;M<o;M++,f+=3){let p=t[M];v+=p*i[f],E+=p*i[f+1],k+=p*i[f+2]}n[x]=v,n[x+1]=E,n[x+2]=k}}along(e,r,t,n=1){let{points:a,weight:i,index:o,lines:c,count:u}=this,[l,w,g]=r;for(let m=0,f=0;m<e.length;m+=12,f+=4)for(let x=0;x<4;x++)c[f+x]=l*e[m+x]+w*e[m+4+x]+g*e[m+8+x];for(let m=0;m<u;m+=n){let f=a[3*m],x=a[3*m+1],v=a[3*m+2],E=0;for(let k=4*m;k<4*m+4;k++){let M=i[k];if(M===0)break;let p=4*o[k];E+=M*(c[p]*f+c[p+1]*x+c[p+2]*v+c[p+3])}t[m]=E}return t}sort(e,r){let{depth:t,order:n,bins:a,count:i}=this;this.along(e,r,t);let o=1/0,c=-1/0;for(let l=0;l<i;l++)t[l]<o&&(o=t[l]),t[l]>c&&(c=t[l]);let u=65535/Math.max(c-o,1e-6);a.fill(0);for(let l=0;l<i;l++)a[((c-t[l])*u|0)+1]++;for(let l=1;l<65537;l++)a[l]+=a[l-1];for(let l=0;l<i;l++)n[a[(c-t[l])*u|0]++]=l;return n}};var Z={front:0,side:90,back:180},rt="T-pose";function it(s){let e=s.getExtension("WEBGL_debug_renderer_info");return/swiftshader|llvmpipe|software|basic render/i.test(e?String(s.getParameter(e.UNMASKED_RENDERER_WEBGL)):"")}function ot(s,e={}){let r=ge(s,e),{canvas:t}=r,n={playing:!1,speed:1,clip:-1,time:0,duration:0,ready:!1,error:"",fps:0,count:0};s.dataset.state="loading";let a=t.getContext("webgl2",{alpha:!0,antialias:!1,depth:!1,premultipliedAlpha:!0,powerPreference:"high-performance"});if(!a)return r.fail("This browser cannot draw in 3D (WebGL 2 is off). The video shows the same person."),s.dataset.state="error",null;let i=it(a),o=Math.min(window.devicePixelRatio||1,2),c={ratio:i?Math.min(o,1):o,now:0,slow:0},u=new q(r.stage,()=>{r.pressView(""),M=!1,p=!0}),l=[0,0,0],w=null,g=null,m=null,f=null,x=[],v=null,E=null,k={top:1.7,side:.6,floor:0},M=!1,p=!0,y=!1,h=!0,T=0,R=0,S=1,L=null,ee=performance.now();function te(){s.dataset.theme=r.isDark()?"dark":"light",p=!0}function ae(){let d=Math.round(t.clientWidth*c.now),b=Math.round(t.clientHeight*c.now);if(!d||!b)return;t.width!==d&&(t.width=d),t.height!==b&&(t.height=b),p=!0;let F=t.clientWidth/t.clientHeight;M&&Math.abs(F/S-1)>.01&&de(u.goal.yaw,u.goal.pitch,!0)}function ne(d){c.now!==d&&(c.now=d,ae())}let X=()=>[f.at[0],f.at[1],f.at[2]];function Re(){let d=Math.max(1,Math.floor(m.count/1500)),b=[],F=[0,1,2].map(()=>new Float32Array(m.count)),D=-1/0,I=.2;for(let G=0;G<(v?10:1);G++){f.pose(v,n.duration*G/10);let H=X();F.forEach((N,oe)=>m.along(f.bones,[oe===0,oe===1,oe===2].map(Number),N,d));let ie=1/0;for(let N=0;N<m.count;N+=d)ie=Math.min(ie,F[1][N]),D=Math.max(D,F[1][N]),I=Math.max(I,Math.hypot(F[0][N]-H[0],F[2][N]-H[2]));b.push(ie)}b.sort((G,H)=>G-H);let z=b[Math.floor(b.length*.1)];k={floor:z,top:D-z,side:I}}function de(d,b,F){S=t.clientWidth/Math.max(t.clientHeight,1),M=p=!0,u.frame({at:X(),...k},S,d,b),F&&u.settle()}function re(d,b=!1){de(f.heading()+d*Math.PI/180,.122,b),r.pressView(Object.keys(Z).find(F=>Z[F]===d)||""),p=!0}function V(d){let b=typeof d=="string"?x.findIndex(F=>F&&F.name===d):d;return b>=0&&b<x.length?(v=x[b].frames?x[b]:null,n.clip=b,n.duration=v?Math.max(v.duration,.001):.001,n.time=0,Re(),r.setClip(b,n.duration,!!v&&v.duration>.05),C(0),[l[0],,l[2]]=X(),re(e.yaw??20,!0),E&&E.selectClip(x[b].name),!0):!1}function C(d){f&&(n.time=(d%n.duration+n.duration)%n.duration,f.pose(v,n.time),m.deform(v,n.time),y=p=!0)}function U(d=!0){n.playing=d&&!!v&&v.duration>.05,r.setPlaying(n.playing),ee=performance.now(),p=!0}function Fe(d){c.slow=d>.06?c.slow+1:Math.max(0,c.slow-.5),!(c.slow<12||c.ratio<=.5)&&(c.slow=0,c.ratio=Math.max(.5,c.ratio*.8))}function _e(d){let b=X(),F=1-Math.exp(-d*6);for(let D of[0,2]){let I=b[D]-l[D],z=Math.abs(I)>1.2?I:I*F;Math.abs(z)<1e-5||(l[D]+=z,u.shift(D?0:z,D?z:0),p=!0)}}function Se(){return!L||a.getSyncParameter(L,a.SYNC_STATUS)!==a.SIGNALED?!!L:(a.deleteSync(L),L=null,!1)}function ue(){if(requestAnimationFrame(ue),Se())return;let d=Math.min((performance.now()-ee)/1e3,.4);if(ee=performance.now(),!h||document.hidden||!n.ready)return;n.playing&&(R>3&&Fe(d),n.fps+=(1/Math.max(d,.001)-n.fps)*.1,C(n.time+d*n.speed)),_e(d);let b=u.step(d);b&&(p=!0),b||n.playing?(ne(c.ratio),T=0):++T===8&&ne(Math.max(o,i?1.5:1)),c.now||ne(c.ratio),E&&E.news()&&(p=!0),p&&De()}function De(){if(p=!1,!t.width||!t.height)return;let d=u.camera(t.width,t.height),b=[l[0],k.floor,l[2]];y&&(w.pose(f.bones,m.amounts),e.floor!==!1&&g.shade(w,[f.at[0],k.floor,f.at[2]]),y=!1);let F=m.sort(f.bones,d.forward);w.project(d),a.viewport(0,0,t.width,t.height),a.clearColor(0,0,0,0),a.clear(a.COLOR_BUFFER_BIT),a.enable(a.BLEND),a.blendFunc(a.ONE,a.ONE_MINUS_SRC_ALPHA),e.floor!==!1&&g.draw(d,b,[f.at[0],f.at[2]],s.dataset.theme==="dark"),w.draw(d,F),L=a.fenceSync(a.SYNC_GPU_COMMANDS_COMPLETE,0),a.flush(),R++,r.setTime(n.time,n.duration),s.dataset.time=n.time.toFixed(3),E&&E.show(d,n)}function Ie(d){let b=Ee(d);m=new Q(b),f=new J(b),w=new Y(a,b),g=g||new K(a),n.count=b.count;let F={name:rt,frames:0};x=e.compare&&b.motions.length?b.motions:[...b.motions,F],r.setClips(x.map(({name:I})=>I)),n.ready=!0,V(Math.max(x.findIndex(({name:I})=>I===e.motion),0));let D=window.matchMedia("(prefers-reduced-motion: reduce)").matches;U(e.autoplay!==!1&&!D),s.dataset.state="ready",r.busy(!1)}async function fe(d){s.dataset.state="loading",r.busy(!0);try{let b=await fetch(d);if(!b.ok)throw new Error(`${b.status}`);Ie(await b.arrayBuffer())}catch(b){n.error=String(b),n.ready=!1,s.dataset.state="error",r.fail("The 3D person could not be loaded. Reload the page, or use the downloads.")}}let B={state:n,load:fe,seek:C,play:U,pause:()=>U(!1),selectClip:V,orbit:u,view:d=>d in Z&&re(Z[d]),setSpeed:d=>{n.speed=d,r.setSpeed(d)},clips:()=>x.map(({name:d})=>d)};return r.connect({toggle:()=>U(!n.playing),scrub:d=>{U(!1),C(Math.min(d,.9999)*n.duration)},step:d=>{U(!1),C(n.time+d/30)},speed:d=>{n.speed=d},clip:d=>{let b=n.playing;V(d),U(b||!!v)},view:B.view,optional:()=>{},theme:te}),ve(s,r,e,{theme:te,orbit:u,reset:()=>re(e.yaw??20)}),e.compare&&(E=ye(r,e.compare,{resize:ae,theme:()=>s.dataset.theme})),window.addEventListener("message",({data:d})=>{!d||d.humanav!=="player"||("clip"in d&&(V(d.clip),U(!0)),"time"in d&&C(d.time),"play"in d&&U(!!d.play),"view"in d&&B.view(d.view))}),t.addEventListener("webglcontextlost",d=>{d.preventDefault(),n.ready=!1,r.fail("The graphics were reset. Reload the page to see the person again.")}),new ResizeObserver(ae).observe(t),new IntersectionObserver(([d])=>{h=d.isIntersecting,p=!0}).observe(r.stage),te(),ue(),e.splats&&fe(e.splats),s.humanavPlayer=B,window.humanavPlayer=B,B}return Pe(st);})();
