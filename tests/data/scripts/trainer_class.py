from dataclasses import dataclass, field


@dataclass
class PruningArguments:
    rate: float = 0.3
    config_list: list = field(default_factory=lambda: [{"op_types": ["Conv2d"], "sparsity": 1.0}])


class Trainer:
    DEFAULT = [{"op_types": ["Linear"], "total_sparsity": 0.6, "max_sparsity_per_layer": 0.5}]

    def __init__(self, model, args, config_list=[{"op_type": ["Linear"], "sparsity_per_layer": 0.5}]):
        self.model = model
        self.args = args
        self.config_list = config_list or self.DEFAULT
        self.history = []

    def add_sensitive(self):
        for name, module in self.model.named_modules():
            if name.endswith("classifier"):
                self.config_list.append({"op_names": name, "exclude": True})

    def record(self, pruner, accuracy):
        self.history.append({"op_names": pruner.names(), "total_sparsity": pruner.total(), "accuracy": accuracy, "epoch": 1})
        return {"total_sparsity": pruner.total(), "op_names": []}
