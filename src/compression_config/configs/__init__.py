"""What a sub-config may say, and what is said when it says something else."""
