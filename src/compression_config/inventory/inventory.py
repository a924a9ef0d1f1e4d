"""Inventory: the layers of a model, without weights."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from os import PathLike
from types import MappingProxyType
from typing import Any, Self, TypeAlias, cast, overload

from compression_config.documents import paused_collector
from compression_config.errors import InvalidInventory, UnknownLayer, is_a
from compression_config.frozen import FrozenMapping
from compression_config.inventory.files import Contents, read_file, write_file
from compression_config.inventory.layer import (
    NOTHING,
    Columns,
    Layer,
    OwnParameters,
    Shape,
    columns_of,
    numel_of,
)
from compression_config.inventory.listing import as_html
from compression_config.inventory.sources import WEIGHT_FILES, Device, foreign_code, model_of, weight_file_words
from compression_config.inventory.torch_modules import SupportsNamedModules, Walk, has_named_modules, read_modules, walk
from compression_config.inventory.wrappers import bare_name, bare_names, joined_name, wrappers_in
from compression_config.suggestions import LayerNames
from compression_config.text import printable, represented

__all__ = ["Inventory", "LayerLike", "as_inventory"]

LayerLike: TypeAlias = Layer | tuple[str, object]
"""A layer, or a pair of its name and its type: the name of a class, a class, or a module."""


_MOST_COMPONENTS = 200
"""Paths are compared component by component, with all that lead to them; PyTorch itself nests less deep than 1,000."""


class Inventory(Sequence[Layer]):
    """The layers of a model in the model's order, read-only; the root is not among them.

    Two inventories are equal when their layers are. `inventory[0]` and `inventory["fc1"]` are layers; code that looks
    at one field of all layers is faster with `names`, `types` and the methods that take a position.
    """

    def __init__(
        self,
        columns: Columns,
        *,
        model: str | None = None,
        only_root: bool = False,
        root: OwnParameters | None = None,
        bases: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
        keys: Sequence[str] | None = None,
    ) -> None:
        """Make the inventory of the layers in `columns`; users call one of the class methods.

        Raises `InvalidInventory` for two layers of one name, a name of more than 200 components, an alias that is
        already the name of a layer, a layer that is tied to something else than the first layer with its weight, and
        a parameter that is tied to one that is not there or is tied itself.
        """
        self._columns = columns
        self._model = model
        self._only_root = only_root
        self._names, self._types = tuple(columns[0]), tuple(columns[1])
        self._weight_shapes: Sequence[Shape | None] = columns[2]
        self._has_weight: Sequence[bool | None] = columns[3]
        self._parameters: Sequence[FrozenMapping[str, Shape | None]] = columns[4]
        self._dtypes: Sequence[str | None] = columns[5]
        tied_to, aliases = columns[6:8]
        self._parameter_dtypes: Sequence[FrozenMapping[str, str]] = columns[8]
        self._parameter_ties: Sequence[FrozenMapping[str, str]] = columns[9]
        self._root = root
        self._bases = dict(bases)
        self._positions: dict[str, int] = dict(zip(self._names, range(len(self._names)), strict=True))
        if len(self._positions) != len(self._names):
            twice = next(name for position, name in enumerate(self._names) if self._positions[name] != position)
            raise InvalidInventory(f"two layers have the name {represented(twice)}")
        for name in chain(self._names, chain.from_iterable(aliases)):
            if name.count(".") >= _MOST_COMPONENTS:
                raise InvalidInventory(
                    f"the name of a layer has at most {_MOST_COMPONENTS} components, not {name.count('.') + 1:,}"
                )
        self._owners = self._owners_of(tied_to) if any(tied_to) else {}
        self._aliases = self._aliases_of(aliases) if any(aliases) else {}
        self._keys = self._names if keys is None else tuple(keys)
        self._key_positions = {} if keys is None else dict(zip(self._keys, range(len(self._keys)), strict=True))
        if any(self._parameter_ties) or (root is not None and root.ties):
            self._check_parameter_ties()

    @cached_property
    def _layers(self) -> tuple[Layer, ...]:
        # Most callers look at two or three fields of all layers, and resolve() at no layer as a whole.
        return tuple(map(Layer._make, zip(*self._columns, strict=True)))

    def _owners_of(self, tied_to: Iterable[str | None]) -> dict[int, int]:
        """Return position -> position of the first layer with the same weight, for the others that share one."""
        owners: dict[int, int] = {}
        for position, name in enumerate(tied_to):
            if name is None:
                continue
            owner = self._positions.get(name)
            tie = f"layer {represented(self._names[position])} is tied to {represented(name)}"
            if owner is None:
                raise InvalidInventory(f"{tie}, which is not a layer of the model")
            if owner >= position or owner in owners:
                raise InvalidInventory(f"{tie}, which is not the first layer with that weight")
            if self._weight_shapes[owner] != self._weight_shapes[position]:
                raise InvalidInventory(f"{tie}, whose weight has another shape")
            owners[position] = owner
        return owners

    def _aliases_of(self, aliases: Iterable[Iterable[str]]) -> dict[str, int]:
        known: dict[str, int] = {}
        for position, names in enumerate(aliases):
            for alias in names:
                if alias in self._positions or known.setdefault(alias, position) != position:
                    layer = represented(self._names[position])
                    raise InvalidInventory(
                        f"{represented(alias)}, an alias of layer {layer}, is the name of another layer"
                    )
        return known

    def _check_parameter_ties(self) -> None:
        rows = zip(self._names, self._parameters, self._parameter_ties, strict=True)
        tables = [*rows, ("", *((self._root.shapes, self._root.ties) if self._root else (NOTHING, NOTHING)))]
        free = {
            joined_name(layer, name): shape
            for layer, shapes, ties in tables
            for name, shape in shapes.items()
            if name not in ties
        }
        # The weight of a layer may be made of other parameters and not be one itself.
        free |= {f"{name}.weight": shape for name, shape in zip(self._names, self._weight_shapes, strict=True)}
        for layer, shapes, ties in tables:
            for name, target in ties.items():
                tie = f"parameter {represented(joined_name(layer, name))} is tied to {represented(target)}"
                if target not in free or target == joined_name(layer, name):
                    raise InvalidInventory(f"{tie}, which is not a parameter of the model or is tied itself")
                if free[target] != shapes[name]:
                    raise InvalidInventory(f"{tie}, which has another shape")

    @classmethod
    def from_model(cls, model: SupportsNamedModules) -> Self:
        """Return the layers of a live model, which is walked once, and neither changed nor kept.

        Aliases are known of a torch model whose classes do not override `named_modules()`, up to 100,000 of them (D17).
        Wrappers are not layers, and names are those that layers have without them (D19); `keys` has the others.

        Args:
            model: A torch module, or anything else with `named_modules()`.

        Returns:
            The inventory, named after the model's class.

        Raises:
            InvalidInventory: It gives no modules by name, or is a scripted model.
        """
        if not has_named_modules(model):
            raise InvalidInventory(f"a model has named_modules(), and {type(model).__name__!r} has not")
        if any(base.__name__ == "ScriptModule" for base in type(model).__mro__):
            raise InvalidInventory(
                "a scripted model does not have the types of its layers (pass the model that torch.jit.script or "
                "torch.jit.trace was given)"
            )
        with paused_collector():
            walked = walk(model)
            read = read_modules(walked)
        return cls(
            read.columns,
            model=type(model if walked.root is None else walked.root).__name__,
            only_root=walked.root is not None and not walked.names,
            root=read.root,
            bases=read.bases,
            keys=walked.keys,
        )

    @classmethod
    def from_layers(cls, layers: Iterable[LayerLike], *, model: str | None = None) -> Self:
        """Return the inventory of layers that are written down, in this order.

        Args:
            layers: `Layer`s, or pairs of a name and a type. The type is the name of a class, a class, or a module,
                whose weight is then looked at. A pair named `""` is the root and left out. Aliases are only known of a
                `Layer` that has them (D17).
            model: The name of the model, for reports.

        Returns:
            The inventory.

        Raises:
            InvalidInventory: There is anything else among them, or two layers have one name.
        """
        given, keys = _without_wrappers(_checked(layers))
        pairs = [entry for entry in given if not isinstance(entry, Layer)]
        read = read_modules(Walk.of(pairs))
        columns, root = read.columns, read.root
        if len(pairs) < len(given):
            others = map(Layer._make, zip(*columns, strict=True))
            kept = (entry for entry in given if entry[0])
            columns = columns_of([entry if isinstance(entry, Layer) else next(others) for entry in kept])
        if not pairs:
            root = _root_of(given)
        return cls(
            columns,
            model=model,
            only_root=bool(given) and not columns[0],
            root=root,
            bases=read.bases,
            keys=keys,
        )

    @classmethod
    def from_source(cls, source: str, *, device: Device = "meta") -> Self:
        """Return the layers of the model that a text stands for, as after `--model` on the command line.

        Args:
            source: The name of an inventory file, `package.module:factory`, `path/to/file.py:factory`, or
                `hf:DIRECTORY` with a `config.json` of transformers. A factory is code that runs: a function without
                arguments, a class, or the thing itself, a torch model, an `Inventory`, or pairs of a name and a type.
            device: Where torch makes the model: "meta", which takes no memory for weights, or "cpu", as the factory
                does.

        Returns:
            The inventory.

        Raises:
            UsageError: The source leads to no model; whatever foreign code raises on the way is this too.
            InvalidInventory: The inventory file is wrong.
        """
        model = model_of(source, device)
        if isinstance(model, PathLike):
            return cls.load(model)
        with foreign_code(source):
            made = as_inventory(model)
            return cls(
                made._columns,  # noqa: SLF001 - its own class
                model=made.model,
                only_root=made.only_root,
                root=made.root,
                bases=made.bases,
                keys=None if made.keys is made.names else made.keys,
            )

    @property
    def model(self) -> str | None:
        """The name of the model's class, or what else it was called; None when unknown."""
        return self._model

    @property
    def only_root(self) -> bool:
        """Whether the model has no module besides the root, which is not a layer."""
        return self._only_root

    @property
    def names(self) -> Sequence[str]:
        """The names of the layers, one per layer."""
        return self._names

    @property
    def keys(self) -> Sequence[str]:
        """The names by which `model.get_submodule()` finds the layers: those of a wrapped model are longer (D19)."""
        return self._keys

    @property
    def root(self) -> OwnParameters | None:
        """The root's own parameters (D20); None where not all parameters of the model are known."""
        return self._root

    @property
    def bases(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the bases of each type, the nearest first; types of which they are not known are absent."""
        return MappingProxyType(self._bases)

    @property
    def types(self) -> Sequence[str]:
        """The class names of the layers, one per layer."""
        return self._types

    @property
    def dtypes(self) -> Sequence[str | None]:
        """The dtypes of the weights, one per layer; None where unknown or without weight."""
        return self._dtypes

    @property
    def weight_shapes(self) -> Sequence[Shape | None]:
        """The shapes of the weights, one per layer; None without a weight, and where its shape is unknown."""
        return self._weight_shapes

    @property
    def aliases(self) -> Mapping[str, int]:
        """Further names of modules -> position of the layer (D17); empty where they cannot be known."""
        return MappingProxyType(self._aliases)

    @cached_property
    def ties(self) -> tuple[tuple[int, ...], ...]:
        """The positions of layers that share one weight, two or more a tuple, in the model's order."""
        groups: dict[int, list[int]] = {}
        for position, owner in self._owners.items():
            groups.setdefault(owner, [owner]).append(position)
        return tuple(tuple(groups[owner]) for owner in sorted(groups))

    def position(self, name: object) -> int | None:
        """Return the position of a layer.

        In a wrapped model the name of the module itself comes before that of a layer without wrappers (D19).

        Args:
            name: The name of a layer, or an alias.

        Returns:
            The position, from 0; None when no layer has that name.
        """
        if not is_a(name, str):
            return None
        found = self._key_positions.get(name, self._positions.get(name))
        return self._aliases.get(name) if found is None else found

    def layer(self, name: str) -> Layer:
        """Return a layer by its name, as `inventory[name]` does.

        Args:
            name: The name of a layer, or an alias.

        Returns:
            The layer.

        Raises:
            UnknownLayer: The model has no such layer; it has the nearest names.
        """
        position = self.position(name)
        if position is None:
            raise UnknownLayer(name, self.nearest(name))
        return self._layers[position]

    def numel(self, position: int) -> int | None:
        """Return the number of elements of a layer's weight.

        Args:
            position: Of the layer, from 0.

        Returns:
            The number; None when unknown or without weight.
        """
        return numel_of(self._weight_shapes[position])

    def has_weight(self, position: int) -> bool | None:
        """Return whether a layer has a weight.

        Args:
            position: Of the layer, from 0.

        Returns:
            None when unknown.
        """
        return self._has_weight[position]

    def parameters(self, position: int) -> Mapping[str, Shape | None]:
        """Return the own parameters of a layer, not those of its children.

        Args:
            position: Of the layer, from 0.

        Returns:
            Name -> shape; see `Layer.parameters`.
        """
        return self._parameters[position]

    def parameter_dtypes(self, position: int) -> Mapping[str, str]:
        """Return the known dtypes of a layer's own parameters besides its weight.

        Args:
            position: Of the layer, from 0.

        Returns:
            Name -> dtype, as in "float32".
        """
        return self._parameter_dtypes[position]

    def parameter_ties(self, position: int) -> Mapping[str, str]:
        """Return which of a layer's own parameters are stored elsewhere.

        Args:
            position: Of the layer, from 0.

        Returns:
            Name -> the full name of the one that counts; see `Layer.parameter_ties`.
        """
        return self._parameter_ties[position]

    def weight_owner(self, position: int) -> int:
        """Return the position of the first layer that holds the weight of a layer (D17).

        Args:
            position: Of the layer, from 0.

        Returns:
            The position, from 0: mostly that of the layer itself.
        """
        return self._owners.get(position, position)

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._layers)

    @overload
    def __getitem__(self, index: int | str) -> Layer: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Layer, ...]: ...
    def __getitem__(self, index: int | str | slice) -> Layer | tuple[Layer, ...]:
        """Return a layer by position, or like `layer()` by its name or an alias; several for a slice."""
        return self.layer(index) if isinstance(index, str) else self._layers[index]

    def __contains__(self, item: object) -> bool:
        """Return whether `item` is one of the layers, or the name or an alias of one."""
        if is_a(item, Layer):
            position = self._positions.get(item.name)
            return position is not None and self._layers[position] == item
        return self.position(item) is not None

    def __eq__(self, other: object) -> bool:
        return self._layers == other._layers if isinstance(other, Inventory) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # an inventory compares by all that it holds

    def __repr__(self) -> str:
        return f"<Inventory of {self._model or 'a model'}: {len(self)} layers>"

    @cached_property
    def _layer_names(self) -> LayerNames:
        return LayerNames(self._names)

    def nearest(self, name: object, limit: int = 3) -> tuple[str, ...]:
        """Return names that a misspelt one may have been meant to be.

        Args:
            name: The name that no layer has.
            limit: How many names there are at most; three is the most.

        Returns:
            The likeliest first; empty where none is alike.
        """
        is_name = is_a(name, str) and name.count(".") < _MOST_COMPONENTS
        return self._layer_names.nearest(cast("str", name), limit) if is_name else ()

    def _repr_html_(self) -> str:
        return as_html(self, self._model, self._root)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the inventory to a file, without weights.

        Equal inventories of equal `model` give equal bytes, and a file that was there is replaced whole or not at all.

        Args:
            path: Where to: JSON (`.json`) or YAML (`.yaml`, `.yml`), with `.gz` gzipped.

        Raises:
            UsageError: The ending is another one, or the file cannot be written.
        """
        write_file(path, Contents(self._layers, self._model, self._only_root, self._root, self._bases))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Return the inventory in a file, written by `save` or by hand.

        Args:
            path: A file with one of the endings of `save`.

        Returns:
            The inventory.

        Raises:
            InvalidInventory: The file is wrong; the message says where.
            UsageError: The ending is not among those of `save`.
        """
        contents = read_file(path)
        layers, keys = _without_wrappers(contents.layers)
        try:
            return cls(
                columns_of([layer for layer in layers if layer.name]),
                model=contents.model,
                only_root=contents.only_root,
                root=contents.root,
                bases=contents.bases,
                keys=keys,
            )
        except InvalidInventory as error:
            raise InvalidInventory(f"{printable(str(path))}: {error}") from error


def as_inventory(model: object) -> Inventory:
    """Return `model` as an inventory: one as it is, anything with `named_modules()`, pairs or layers.

    Raises `InvalidInventory` for anything else.
    """
    if is_a(model, Inventory):
        return model
    if has_named_modules(model):
        return Inventory.from_model(cast("SupportsNamedModules", model))
    return Inventory.from_layers(cast("Iterable[LayerLike]", model))


def _without_wrappers(given: Sequence[Any]) -> tuple[Sequence[Any], Sequence[str] | None]:
    """Return layers and pairs under their bare names, and the names they were given; None for these if equal (D19).

    What a wrapper of the root holds gets the name "", as the root has in pairs.
    """
    names = [entry[0] for entry in given]
    wrappers = wrappers_in([name for name in names if name])
    if not wrappers:
        return given, None
    bare = bare_names(names, wrappers)
    taken = frozenset(bare)
    kept = [
        _renamed(entry, name, wrappers, taken) if isinstance(entry, Layer) else (name, entry[1])
        for entry, name in zip(given, bare, strict=True)
        if name is not None
    ]
    return kept, [key for key, name in zip(names, bare, strict=True) if name]


def _renamed(layer: Layer, name: str, wrappers: Mapping[str, str], taken: Collection[str | None]) -> Layer:
    fields = layer._asdict()
    tied_to = None if layer.tied_to is None else bare_name(layer.tied_to, wrappers)
    aliases = dict.fromkeys(bare_name(alias, wrappers) for alias in layer.aliases)
    ties = {}
    for parameter, target in layer.parameter_ties.items():
        owner, _, last = target.rpartition(".")
        ties[parameter] = joined_name(bare_name(owner, wrappers), last)
    fields |= {
        "name": name,
        "tied_to": None if tied_to in (name, "") else tied_to,
        "aliases": tuple(alias for alias in aliases if alias not in taken),
        "parameter_ties": FrozenMapping(ties) if ties else NOTHING,
    }
    return Layer._make(fields.values())


def _root_of(layers: Iterable[Layer]) -> OwnParameters:
    """Return the own parameters of the root of a model that is described by layers alone: mostly nothing."""
    for layer in layers:
        if not layer.name:
            dtype = {} if layer.dtype is None else {"weight": layer.dtype}
            return OwnParameters(
                layer.parameters, FrozenMapping({**dtype, **layer.parameter_dtypes}), layer.parameter_ties
            )
    return OwnParameters()


def _checked(layers: object) -> list[Any]:
    """Return `layers` as a list; raise `InvalidInventory` unless it consists of layers and pairs."""
    if (is_a(layers, str) or is_a(layers, PathLike)) and str(layers).lower().endswith(WEIGHT_FILES):
        raise InvalidInventory(weight_file_words(str(layers)))
    if is_a(layers, (str, bytes, PathLike)):
        path = represented(str(layers))
        raise InvalidInventory(
            f"{represented(layers)} is not a model (write Inventory.from_source({path}) to read one)"
        )
    if is_a(layers, Mapping) and all(hasattr(value, "shape") for value in layers.values()) and layers:
        raise InvalidInventory(
            "a state dict is not a model, as it does not have the types of layers (pass the model that it is for, or "
            "its inventory)"
        )
    if is_a(layers, Mapping):
        raise InvalidInventory("a mapping is not a model (write .items() after it for pairs of a name and a type)")
    if not is_a(layers, Iterable):
        raise InvalidInventory(
            "a model has named_modules(), or is an inventory or pairs of a name and a type, "
            f"and not {represented(layers)}"
        )
    try:
        given = list(layers)
    # Foreign code runs here; whatever it raises means that there is no list of layers.
    except Exception as error:
        raise InvalidInventory(f"the layers could not be listed: {error!r}") from error
    for entry in given:
        if is_a(entry, Layer):
            continue
        if not is_a(entry, (tuple, list)) or len(entry) != 2 or not is_a(entry[0], str):  # noqa: PLR2004
            raise InvalidInventory(f"a layer is a Layer or a pair of a name and a type, and not {represented(entry)}")
    return given
