#!/bin/sh
# Bundle the 3D player (scripts/viewer) with three.js into assets/viewer/player.js, and the player of Gaussians and the
# skeleton editor beside it. Needs node and npm.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target="$here/../assets/viewer"
modules=${VIEWER_MODULES:-$(mktemp -d)}
cd "$modules"
[ -d node_modules/three ] || npm install --no-save --silent three@0.187.0 esbuild@0.28.2
mkdir -p "$target"
NODE_PATH="$modules/node_modules" node_modules/.bin/esbuild "$here/viewer/player.js" --bundle --minify --format=iife \
  --global-name=HumanavPlayer --target=es2020 --legal-comments=none --charset=utf8 \
  --banner:js="/* humanav player, Apache-2.0; contains three.js, MIT, see LICENSE-three.txt */" \
  --outfile="$target/player.js"
node_modules/.bin/esbuild "$here/viewer/editor.js" --bundle --minify --format=iife --global-name=HumanavEditor \
  --target=es2020 --legal-comments=none --charset=utf8 --banner:js="/* humanav skeleton editor, Apache-2.0 */" \
  --outfile="$target/skeleton_editor.js"
node_modules/.bin/esbuild "$here/viewer/splats.js" --bundle --minify --format=iife --global-name=HumanavSplats \
  --target=es2022 --legal-comments=none --charset=utf8 --banner:js="/* humanav player of Gaussians, Apache-2.0 */" \
  --outfile="$target/splat_player.js"
cp node_modules/three/LICENSE "$target/LICENSE-three.txt"
