import sys


def build(pruner, args):
    if pruner == "level":
        config_list = [{"sparsity": 0.8, "op_types": ["default"]}]
    elif pruner == "slim":
        config_list = [{"total_sparsity": 0.8, "op_types": ["BatchNorm2d"], "max_sparsity_per_layer": 0.9}]
    else:
        config_list = [{"sparsity": args.sparsity, "op_types": ["Conv2d"], "total_sparsity": 0.3}]
    if args.keep_first:
        config_list.append({"exclude": True, "op_names": ["conv1"], "sparsity": 0.0})
    try:
        extra = [{"op_names": [], "exclude": True}]
    except KeyError:
        extra = [{"op_names": args.names, "exclude": args.exclude}]
    return config_list + extra


if __name__ == "__main__":
    build(sys.argv[1], None)
