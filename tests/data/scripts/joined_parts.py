# Both kinds in one script, each list complete: `resolve joined_parts.py::main.pruning_list`.
BASE = [{"op_types": ["Conv2d", "Linear"], "sparsity_per_layer": 0.5}]


def main(model):
    exceptions = [
        {"op_names": ["layer4.1.conv2"], "sparsity_per_layer": 0.9},
        {"op_names": ["fc"], "exclude": True},
    ]
    pruning_list = BASE + exceptions
    quantization_list = [
        {"op_types": ["Conv2d"], "quant_types": ["weight", "input"], "quant_bits": 8},
        {"op_names": ["fc"], "sparsity_per_layer": 0.5},
    ]
    for é, bits in (("layer1.0.conv1", 4), ("layer2.0.conv1", 6)):
        quantization_list.append({"op_names": [é], "quant_types": "weight", "quant_bits": bits})
    return prune(model, pruning_list), quantize(model, quantization_list)


def prune(model, config_list):
    return [config for config in config_list]


def quantize(model, config_list):
    return model, config_list
