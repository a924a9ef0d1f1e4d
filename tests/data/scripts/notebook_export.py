#!/usr/bin/env python
# coding: utf-8

# # Pruning MobileNetV2

# In[1]:


get_ipython().run_line_magic('matplotlib', 'inline')
get_ipython().system('pip install nni==2.10')
import torch


# In[2]:


config_list = [{'sparsity_per_layer': 0.5, 'op_types': ['Conv2d', 'Linear']},
               {'exclude': 'true', 'op_names': ['classifier.1']}]


# In[3]:


config_list += [{'op_names': [f'features.{i}.conv.0' for i in range(2, 5)], 'sparsity_per_layer': '0.75'}]
config_list
