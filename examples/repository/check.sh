#!/bin/sh
# Check all config lists of this repository, and that they give each layer what the lock files say.
#
#   sh check.sh         in CI: exits with 1 for a mistake in a list, with 3 when a layer gets something else than locked
#   sh check.sh lock    after a change that is meant: writes the lock files, to be committed with the list
#
# Needs no torch: models/tagger.json is the inventory of the model, written where torch is by
# `compression-config inventory tagger.py:Tagger -o models/tagger.json`.
set -eu
cd "$(dirname "$0")"

model=models/tagger.json
# The list in finetune.py is named by its function and its variable.
lists="configs/pruning.yaml configs/quantization.json finetune.py::pruned_tagger.config_list"

lock_of() {
    name=${1##*/}
    echo "locks/${name%%.*}.lock.json"
}

if [ "${1:-}" = lock ]; then
    for list in $lists; do
        compression-config resolve "$list" --model "$model" --strict -o "$(lock_of "$list")"
    done
    exit
fi

# Whatever list is in this directory, locked or not. On GitHub, findings are shown at their lines.
format=text
if [ -n "${GITHUB_ACTIONS:-}" ]; then format=github; fi
compression-config validate . --model "$model" --strict --format "$format"

status=0
for list in $lists; do
    printf '\n%s\n' "$list"
    compression-config diff "$(lock_of "$list")" "$list" --model "$model" --strict --exit-code || status=$?
done
exit $status
