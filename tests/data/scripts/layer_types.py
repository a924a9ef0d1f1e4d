# Classes where names belong.
import torch.nn as nn
from torch.nn import Conv2d, Linear

from mymodels import FusedLinear

config_list = [
    {"op_types": [nn.Linear, "Conv2d"], "sparsity_per_layer": 0.5},
    {"op_types": [Linear, Conv2d], "op_names": ["head"], "sparsity_per_layer": 0.2},
    {"op_types": [FusedLinear], "sparsity_per_layer": 0.5},
    {"op_types": [FusedLinear.__name__, type(nn.Linear(1, 1)).__name__], "exclude": True},
]
