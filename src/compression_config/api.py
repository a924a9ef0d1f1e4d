"""The public functions that take a model or its weights: resolve, check, verify, export and import. They are thin."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypedDict, Unpack, cast, get_args, overload

from compression_config.comparison import Comparison, compared
from compression_config.configs.config_list import CompressionConfig, PruningConfigList, QuantizationConfigList
from compression_config.configs.pruning import PruningConfig
from compression_config.configs.quantization import QuantizationConfig
from compression_config.configs.sub_config import Kind, SubConfig
from compression_config.differences import AnswerTable, answer_table
from compression_config.documents.python_reader import ScriptList
from compression_config.errors import (
    InvalidConfig,
    UnmatchedSelector,
    UnmatchedSelectorWarning,
    UsageError,
    chosen,
    is_a,
)
from compression_config.findings import Code, Finding, Severity, SeverityLevels, SeverityPolicy, has_errors
from compression_config.interop import Export, Import, Names, OnLoss, export_resolved, import_document
from compression_config.inventory import Inventory, LayerLike, SupportsNamedModules, as_inventory
from compression_config.loading import AnyConfig, ConfigData, Sound, checked, policy_of, validated
from compression_config.lockfile import is_saved, read_saved, saved_answers
from compression_config.resolution import CompressionResolution, Resolution, Unmatched
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.settings import PruningSettings, QuantizationSettings
from compression_config.scripts import is_about_whole_list, is_known_beside_model, is_script, split_name
from compression_config.text import printable
from compression_config.verification import Tolerance, Verification
from compression_config.verification import verify as verify_resolved

__all__ = [
    "Answer",
    "Model",
    "Options",
    "answer",
    "check",
    "check_file",
    "compare",
    "export",
    "import_list",
    "resolve",
    "verify",
]


Model: TypeAlias = Inventory | SupportsNamedModules | Iterable[LayerLike]
"""A torch model or anything else with `named_modules()`, an inventory, or layers or pairs (name, type)."""


class Options(TypedDict, total=False):
    """The options of `resolve` besides `kind`, which decides what it returns."""

    unmatched: Unmatched
    strict: bool
    severity: SeverityLevels | None


@overload
def resolve(
    config: PruningConfigList | Sequence[PruningConfig],
    model: Model,
    *,
    kind: Literal["pruning"] | None = None,
    **options: Unpack[Options],
) -> Resolution[PruningSettings]: ...
@overload
def resolve(
    config: QuantizationConfigList | Sequence[QuantizationConfig],
    model: Model,
    *,
    kind: Literal["quantization"] | None = None,
    **options: Unpack[Options],
) -> Resolution[QuantizationSettings]: ...
@overload
def resolve(
    config: ConfigData, model: Model, *, kind: Literal["pruning"], **options: Unpack[Options]
) -> Resolution[PruningSettings]: ...
@overload
def resolve(
    config: ConfigData, model: Model, *, kind: Literal["quantization"], **options: Unpack[Options]
) -> Resolution[QuantizationSettings]: ...
@overload
def resolve(
    config: CompressionConfig | Mapping[str, Any], model: Model, *, kind: None = None, **options: Unpack[Options]
) -> CompressionResolution: ...
@overload
def resolve(
    config: Sequence[Mapping[str, Any] | SubConfig], model: Model, *, kind: None = None, **options: Unpack[Options]
) -> Resolution[Any]: ...
def resolve(
    config: ConfigData,
    model: Model,
    *,
    kind: Kind | None = None,
    unmatched: Unmatched = "error",
    strict: bool = False,
    severity: SeverityLevels | None = None,
) -> Resolution[Any] | CompressionResolution:
    """Return for every layer of `model` what `config` means for it, and why.

    Args:
        config: A list of dicts or of sub-configs, a mapping with `pruning` and `quantization`, or what `validate`,
            `load` and `loads` return.
        model: A torch model or anything else with `named_modules()`, an `Inventory`, or an iterable of `Layer`s or of
            pairs (name, type).
        kind: "pruning" or "quantization"; without it the keys of the list tell (D12).
        unmatched: What becomes of errors about selectors that select nothing (D14): "error" raises `UnmatchedSelector`,
            "warn" makes them warnings and issues one `UnmatchedSelectorWarning`, "ignore" drops them. A level that is
            set for a code comes first.
        strict: Whether every warning is an error; notes stay notes (D10).
        severity: The level of each of some codes: "error", "warning", "note", or "ignore", which silences it. It comes
            before `strict`.

    Returns:
        A `Resolution`, which is a mapping over the layers in the model's order; for a two-part document a
        `CompressionResolution`. Every error that does not raise, such as an infeasible group or what `strict` makes
        one, is in its `.findings`: `raise_for_findings()` raises it.

    Raises:
        InvalidConfig: The config list breaks a rule, whatever the model.
        UnmatchedSelector: A selector selects what the model does not have; it carries all findings.
        InvalidInventory: What was passed as `model` is not one.
        UsageError: An option is wrong.

    Examples:
        >>> resolution = resolve([{"op_types": ["Linear"], "sparsity_per_layer": 0.8}], [("fc1", "Linear")])
        >>> resolution["fc1"].settings.sparsity
        0.8
    """
    chosen(unmatched, get_args(Unmatched), "'unmatched'")
    policy = policy_of(strict=strict, severity=severity).beside_model()
    resolution = answer(validated(config, kind=kind, policy=policy), as_inventory(model), unmatched)
    if unmatched == "error" and has_errors(resolution.unmatched):
        raise UnmatchedSelector(resolution.findings)
    left = [finding for finding in resolution.unmatched if finding.severity is not Severity.NOTE]
    if unmatched == "warn" and left:
        warnings.warn(UnmatchedSelectorWarning(str(UnmatchedSelector(left))), stacklevel=2)
    return resolution


def answer(config: AnyConfig, inventory: Inventory, unmatched: Unmatched) -> Resolution[Any] | CompressionResolution:
    """Return the answer with its findings, and raise nothing: errors are among them."""
    if not isinstance(config, CompressionConfig):
        return Resolution(Resolved(config, inventory), unmatched)
    pruning, quantization = (
        Resolution[Any](Resolved(p, inventory), unmatched) for p in (config.pruning, config.quantization)
    )
    return CompressionResolution(pruning, quantization)


def check(
    config: str | os.PathLike[str] | ConfigData,
    model: Model | None = None,
    *,
    kind: Kind | None = None,
    unmatched: Unmatched = "error",
    strict: bool = False,
    severity: SeverityLevels | None = None,
) -> tuple[Finding, ...]:
    """Return everything worth knowing about a config list, or the file at a path, in document order.

    A bad list raises nothing: its errors are among the findings. A Python script is read, not run: each of its config
    lists is checked, and nothing is reported about values that are not known.

    Args:
        config: What `validate` takes, or the path of a YAML, JSON or Python file.
        model: A torch model or anything else with `named_modules()`, an `Inventory`, or an iterable of `Layer`s or of
            pairs (name, type). With it, the findings include what the selectors find in it, what the list does to it,
            and its budget.
        kind: "pruning" or "quantization"; without it the keys of the list tell (D12).
        unmatched: What becomes of errors about selectors that select nothing (D14): "error", "warn" or "ignore", as
            for `resolve`.
        strict: Whether every warning is an error; notes stay notes (D10).
        severity: The level of each of some codes: "error", "warning", "note", or "ignore", which silences it. It comes
            before `strict`.

    Returns:
        The findings: errors, warnings and notes. An empty tuple means that nothing is worth knowing.

    Raises:
        InvalidInventory: What was passed as `model` is not one.
        UsageError: An option is wrong.

    Examples:
        >>> [finding.code.value for finding in check([{"op_types": ["Linear"], "sparsity": 1.5}])]
        ['out-of-range']
    """
    chosen(unmatched, get_args(Unmatched), "'unmatched'")
    policy = policy_of(strict=strict, severity=severity)
    # The type, not `isinstance`: an object can claim any class.
    if issubclass(type(config), str | os.PathLike):
        return check_file(cast("str", config), model, kind=kind, unmatched=unmatched, policy=policy)
    try:
        sound = validated(config, kind=kind, policy=policy if model is None else policy.beside_model())
    except InvalidConfig as error:
        return error.findings
    if model is None:
        return sound.findings
    return answer(sound, as_inventory(model), unmatched).findings


def check_file(
    path: str | os.PathLike[str],
    model: Model | None,
    *,
    kind: Kind | None,
    policy: SeverityPolicy,
    discovered: bool = False,
    unmatched: Unmatched = "error",
    text: str | None = None,
) -> tuple[Finding, ...]:
    """Return everything worth knowing about the config lists in a file; see `check`.

    A `discovered` file was found in a directory: what a script holds of other dialects is passed over. `text` is
    checked in place of what the file has.
    """
    sound, findings = checked(
        path, kind=kind, policy=policy, discovered=discovered, to_resolve=model is not None, text=text
    )
    configs = sound.whole
    if model is None or not any(sound):
        return findings
    inventory = as_inventory(model)
    if len(configs) == 1 and not is_script(split_name(os.fsdecode(path))[0]):
        return answer(configs[0], inventory, unmatched).findings
    of_lists = {finding for config in configs for finding in config.findings}
    # Of what a loop repeats, the first was reported.
    left_out = {(found.code, found.path) for found in of_lists} - {(found.code, found.path) for found in findings}
    beside_model = dict.fromkeys(_of_lists_beside_model(sound, inventory, unmatched))
    # What may be a pattern was matched now.
    matched = {finding.path for finding in beside_model}
    kept = [
        finding
        for finding in findings
        if (finding not in of_lists or finding in beside_model)
        and not (finding.code is Code.WILDCARD and finding.path in matched)
    ]
    known = frozenset(findings)
    more = (
        found
        for found in beside_model
        if found not in known and (found.code, found.path) not in left_out and not is_about_whole_list(found)
    )
    return tuple(sorted((*kept, *more), key=lambda finding: finding.span or ((0, 0), (0, 0))))


_WORK = 2_000_000
"""So many layers are looked at for the lists of one script, and each list counts like another `_LIST` of them: a script
can have as many lists as it has lines."""
_LIST = 1_000


def _of_lists_beside_model(sound: Sound, inventory: Inventory, unmatched: Unmatched) -> Iterator[Finding]:
    """Yield what the model shows about the lists of a script; of very many about the first, and that there are more."""
    lists = [(None, (config,)) for config in sound.whole] + list(sound.partial)
    room = _WORK // (len(inventory) + _LIST)
    for made, fillings in lists:
        room -= len(fillings)
        if room < 0:
            place = cast("PruningConfigList | QuantizationConfigList", fillings[0]).provenance.place(())
            message = "this and other config lists of the script are too many to check each against the model"
            yield Finding.at(place, Code.TOO_LARGE, message, "split the script, or check it without the model")
            return
        if made is None:
            yield from answer(fillings[0], inventory, unmatched).findings
        else:
            yield from _known_beside_model(made, fillings, inventory, unmatched)


def _known_beside_model(
    made: ScriptList, fillings: Sequence[AnyConfig], inventory: Inventory, unmatched: Unmatched
) -> Iterator[Finding]:
    """Yield what the model shows about the selectors of a list that is not wholly known: what both fillings have."""
    first, *others = (answer(config, inventory, unmatched).findings for config in fillings)
    common = set(first).intersection(*others)
    yield from (finding for finding in first if finding in common and is_known_beside_model(finding, made))


def verify(
    resolution: Resolution[Any] | CompressionResolution, weights: object, *, tolerance: Tolerance = "element"
) -> Verification:
    """Return whether `weights` are what `resolution` asks for: configured against achieved, layer by layer.

    Args:
        resolution: What `resolve` returned.
        weights: A torch model, a state dict, masks by layer as in `{"fc1": {"weight": mask}}`, arrays by layer, or the
            path of a safetensors file or of a directory of them.
        tolerance: By how much a count may be off: "exact" (not at all), "element" (one in each layer and group),
            "channel" (less than one row along an axis of the weight), or a share of the elements.

    Returns:
        A row for each layer with a weight and for each group. What is wrong is in its `.findings`;
        `raise_for_findings()` raises it.

    Raises:
        UsageError: The resolution, the weights or the tolerance are not of such a form.

    Examples:
        >>> resolution = resolve([{"op_names": ["fc1"], "sparsity_per_layer": 0.5}], [("fc1", "Linear")])
        >>> verification = verify(resolution, {"fc1": [1.0, 0.0, 2.0, 3.0]}, tolerance="exact")
        >>> [finding.code.value for finding in verification.findings]
        ['sparsity-missed']
    """
    if not is_a(resolution, (Resolution, CompressionResolution)):
        raise UsageError(f"pass a resolution, cc.resolve(config_list, model), not {type(resolution).__name__!r}")
    if isinstance(resolution, CompressionResolution):
        pruning, quantization = resolution.pruning.resolved, resolution.quantization.resolved
        return verify_resolved(pruning, weights, beside=quantization, tolerance=tolerance)
    return verify_resolved(resolution.resolved, weights, tolerance=tolerance)


Answer: TypeAlias = Resolution[Any] | CompressionResolution | Mapping[str, Any] | str | os.PathLike[str]
"""A resolution, what its `to_dict()` returned, or the path of a JSON file with that: a lock file."""


def compare(old: Answer, new: Answer) -> Comparison:
    """Return what differs between two answers: layers that get something else, why, and the effect on the budget.

    Args:
        old: A resolution, what its `to_dict()` returned, or the path of a JSON file with that: a lock file.
        new: Likewise. Two-part documents are compared part by part.

    Returns:
        The layers that change, by the sub-configs that decide before and after.

    Raises:
        UsageError: The answers are of different kinds, or a file is not a saved resolution, was written by another
            version of the format, or was changed since.

    Examples:
        >>> layers = [("fc1", "Linear"), ("fc2", "Linear")]
        >>> old = resolve([{"op_types": ["Linear"], "sparsity_per_layer": 0.5}], layers)
        >>> new = resolve([{"op_types": ["Linear"], "sparsity_per_layer": 0.8}], layers)
        >>> [(change.layers, change.gets) for change in compare(old, new).changes]
        [(('fc1', 'fc2'), ('sparsity 0.5', 'sparsity 0.8'))]
    """
    return compared(_answer_tables(old), _answer_tables(new))


def _answer_tables(given: object) -> Mapping[Kind, AnswerTable]:
    if is_a(given, Resolution):
        return {given.kind: answer_table(given.resolved, given.budget, given.fingerprint)}
    if is_a(given, CompressionResolution):
        return {**_answer_tables(given.pruning), **_answer_tables(given.quantization)}
    name, data = "the mapping", given
    if is_a(given, str) or is_a(given, os.PathLike):
        name, data = printable(os.fsdecode(given)), read_saved(given)
    if not is_a(data, Mapping) or not is_saved(data):
        what = f"'{name}'" if is_a(given, str) or is_a(given, os.PathLike) else type(given).__name__
        raise UsageError(f"a resolution, or the JSON file of one, is compared, not {what}: call 'resolve' first")
    return saved_answers(data, name)


def export(
    resolution: Resolution[Any] | CompressionResolution,
    engine: str,
    *,
    on_loss: OnLoss = "error",
    allocate: bool = False,
    names: Names = "auto",
    serve: str | None = None,
    **options: Any,  # noqa: ANN401 - each engine has its own
) -> Export:
    """Return `resolution` as the document of an engine.

    What the document cannot say is a finding at the file and line of the deciding sub-config: an error where a layer
    would get something else than asked.

    Args:
        resolution: What `resolve` returned.
        engine: The name of the engine; `engines()` lists them.
        on_loss: What becomes of losses that are errors: "error" raises them, "warn" makes them warnings and issues one
            `LossyExportWarning`, "ignore" leaves them out.
        allocate: Whether the layers of a group get ratios of their own, for engines without groups; see
            `Budget.allocate`.
        names: How layers are written: one by one ("exact"), as "patterns", or as patterns where there are more than 64
            ("auto").
        serve: A runtime, such as "vllm": what it cannot serve is a finding too.
        options: The options of the engine, such as `group_size=128`; `engines()` lists them.

    Returns:
        The document as plain data, with the findings.

    Raises:
        LossyExport: A layer would get something else than asked; it carries all findings.
        UsageError: There is no such engine, option or runtime.
        UnknownNumel: `allocate` needs a number of elements that is not known.
        FindingsError: `allocate` cannot meet the budget of a group.

    Examples:
        >>> resolution = resolve([{"op_types": ["Linear"], "sparsity_per_layer": 0.5}], [("fc1", "Linear")])
        >>> export(resolution, "llm-compressor", modifier="wanda").document
        {'default_stage': {'pruning_modifiers': {'WandaPruningModifier': {'targets': ['fc1'], 'sparsity': 0.5}}}}
    """
    if isinstance(resolution, CompressionResolution):
        resolved = [resolution.pruning.resolved, resolution.quantization.resolved]
    else:
        resolved = [resolution.resolved]
    return export_resolved(
        resolved, engine, on_loss=on_loss, allocate=allocate, names=names, serve=serve, options=options
    )


def import_list(document: object, dialect: str | None = None, model: Model | None = None) -> Import:
    """Return the config list that a document of another tool amounts to, by that tool's own precedence.

    Args:
        document: Plain data, the path of a YAML or JSON file, or `hf:DIRECTORY`, a checkpoint with a config.json.
        dialect: Whose document it is; without it the keys tell.
        model: A torch model or anything else with `named_modules()`, an `Inventory`, or an iterable of `Layer`s or of
            pairs (name, type). Without it only lists of NNI are read, those of 3.0 as far as no layer has to be known.

    Returns:
        A config list that resolves against `model` to what the document gives each layer. What it cannot say is in
        `.findings`, and nothing of that raises.

    Raises:
        InvalidConfig: The file cannot be read.
        InvalidInventory: What was passed as `model` is not one.
        UsageError: The document is of no known dialect, or has patterns and there is no model to match them with.

    Examples:
        >>> groups = {"group_0": {"targets": ["Linear"], "weights": {"num_bits": 4, "strategy": "channel"}}}
        >>> import_list({"config_groups": groups, "ignore": []}, model=[("fc1", "Linear")]).config_list[0].quant_bits
        {'weight': 4}
    """
    return import_document(document, dialect, None if model is None else as_inventory(model))
