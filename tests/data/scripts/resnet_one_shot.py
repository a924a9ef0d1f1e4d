# The list at the top of the script, as in the tutorials.
import torch
from nni.compression.pytorch.pruning import L1NormPruner
from torchvision.models import resnet50

config_list = [{
    'sparsity_per_layer': 0.5,
    'op_types': ['Conv2d']
}, {
    'exclude': True,
    'op_names': ['fc', 'conv1']
}]

model = resnet50(pretrained=True)
pruner = L1NormPruner(model, config_list)
_, masks = pruner.compress()
pruner._unwrap_model()
results = []
for name, mask in masks.items():
    results.append({"op_names": name, "left": float(mask["weight"].sum())})
    print(name, ' sparsity : ', '{:.2}'.format(mask['weight'].sum() / mask['weight'].numel()))
