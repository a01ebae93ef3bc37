// Reads a file of skinned Gaussians (humanav/export/skinned_splats.py): a safetensors header, then plain arrays.
const TYPES = { U8: Uint8Array, I8: Int8Array, U16: Uint16Array, I16: Int16Array, F16: Uint16Array, F32: Float32Array };
const FORMAT = "humanav skinned splats 1";

export function readSplats(buffer) {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const about = header.__metadata__ || {};
  if (about.format !== FORMAT) throw new Error("This is not a file of skinned Gaussians.");
  const array = (name) => {
    const { dtype, data_offsets: [from, to] } = header[name];
    return new TYPES[dtype](buffer.slice(8 + length + from, 8 + length + to)); // a copy: the file need not be aligned
  };
  const motions = JSON.parse(about.motions).map(({ name, fps }, k) => {
    const turns = array(`motion.${k}`), moves = array(`transl.${k}`), frames = moves.length / 3;
    const amounts = header.basis ? array(`amounts.${k}`) : null;
    return { name, fps, turns, moves, amounts, frames, duration: (frames - 1) / fps };
  });
  const [low, high] = JSON.parse(about.box);
  const file = { low, size: high.map((h, k) => h - low[k]), motions, count: header.center.shape[0] };
  for (const name of ["center", "rotation", "scale", "color", "skin_index", "skin_weight", "joints", "parents"]) {
    file[name] = array(name);
  }
  file.terms = header.basis ? header.basis.shape[1] : 0;
  file.basis = file.terms ? array("basis") : null;
  return file;
}

// Two texels of four 32-bit words per Gaussian, as the shader of splat_draw.js unpacks them.
export const ROW = 1024; // Gaussians in a row of the texture

export function packTexels(file) {
  const { count } = file, height = Math.ceil(count / ROW), words = new Uint32Array(height * ROW * 8);
  const bytes = (array, i) => (array[4 * i] & 255) | ((array[4 * i + 1] & 255) << 8) | ((array[4 * i + 2] & 255) << 16)
    | ((array[4 * i + 3] & 255) << 24);
  for (let i = 0, o = 0; i < count; i++, o += 8) {
    words[o] = file.center[3 * i] | (file.center[3 * i + 1] << 16);
    words[o + 1] = file.center[3 * i + 2] | (file.scale[3 * i + 2] << 16);
    words[o + 2] = bytes(file.color, i);
    words[o + 3] = bytes(file.rotation, i);
    words[o + 4] = file.scale[3 * i] | (file.scale[3 * i + 1] << 16);
    words[o + 5] = bytes(file.skin_index, i);
    words[o + 6] = bytes(file.skin_weight, i);
  }
  return { words, height };
}

export const MOST = 8; // shapes of the clothes' movement

// Two texels of four 32-bit words per Gaussian: a word per shape.
export function packBasis({ count, terms, basis }, height) {
  const words = new Uint32Array(height * ROW * MOST);
  for (let i = 0, from = 0; i < count; i++) {
    for (let r = 0; r < terms; r++, from += 3) {
      words[i * MOST + r] = (basis[from] & 255) | ((basis[from + 1] & 255) << 8) | ((basis[from + 2] & 255) << 16);
    }
  }
  return words;
}
