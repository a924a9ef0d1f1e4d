"""A sweep: ratios from a literal list, layers from the model, a search space."""
from itertools import product

RATIOS = [0.2, 0.5, 0.9, 1.5]
BLOCKS = ["layer1", "layer2", "layer3", "layer4"]


def candidates(model):
    for ratio, block in product(RATIOS, BLOCKS):
        yield [{"op_partial_names": [block + "."], "sparsity_per_layer": ratio}]


def sweep(model):
    for ratio in RATIOS:
        run(model, [{"op_types": ["Conv2d"], "sparsity_per_layer": ratio}])
    for name, module in model.named_modules():
        run(model, [{"op_names": [name], "sparsity_per_layer": 0.5, "op_typ": ["Conv2d"]}])


search_space = {"config_list": [{"op_types": ["Linear"], "total_sparsity": {"_type": "uniform", "_value": [0.3, 0.9]}}]}


def run(model, config_list):
    print(len(config_list))
