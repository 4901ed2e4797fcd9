"""Making real video frames on the CPU: what the local providers draw with."""
