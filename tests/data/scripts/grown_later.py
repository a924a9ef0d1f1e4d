"""Dicts that get their keys later, in every way that people find."""

config_list = [{}, {"op_types": ["Linear"]}]
config_list[0]["op_types"] = ["Conv2d"]
config_list[0]["sparsity_per_layer"] = 0.5
config_list[1].update(sparsity_per_layer=0.8)

names = []
for block in range(4):
    names.append("block%d.conv" % block)
config_list.append({"op_names": names, "sparsity_per_layer": 0.25})
config_list.insert(0, {"op_names": ["stem", "stem"], "sparsity_per_layer": 0.1})

for sub_config in config_list:
    sub_config.setdefault("max_sparsity_per_layer", 0.9)

excluded = ["head.{}".format(i) for i in (0, 1)]
config_list.extend([{"op_names": [name], "exclude": True} for name in excluded])
config_list[-1]["exlude"] = config_list[-1].pop("exclude")
