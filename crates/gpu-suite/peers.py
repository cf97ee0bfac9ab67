#!/usr/bin/env python3
"""Training steps of the suite's linear workloads as PyTorch users write them, on the same device.

    python3 peers.py --device cuda --out peers.jsonl

A line of JSON a workload and formulation: medians of forward (cross entropy included) and backward (Adam included), in
seconds. Inputs are synthetic, of the same shapes and densities as the suite's.

  convolution      the paper's block model: causal convolutions over time, grouped by neuron
  standard-single  step by step, a neuron silent after its first spike
  standard-multi   step by step, the threshold taken off at each spike
  spikingjelly     parametric LIF neurons by the package's own kernels, where it is installed
  products         the dense matrix products of the hidden layer alone, forward and backward
"""

import argparse
import json
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional

BATCH = 128
# Inputs, neurons, classes, steps, and the share of entries that are spikes; None: every input fires once.
WORKLOADS = {
    "fmnist": (784, 1000, 10, 100, None),
    "shd": (700, 300, 20, 500, 0.023),
    "yinyang": (4, 120, 3, 100, None),
}
WARM_UPS, FEWEST, MOST = 3, 3, 50


class Threshold(torch.autograd.Function):
    """1 above 0, with the fast sigmoid's derivative in place of its own."""

    @staticmethod
    def forward(ctx, distance):
        ctx.save_for_backward(distance)
        return (distance > 0).to(distance.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (distance,) = ctx.saved_tensors
        return gradient / (1 + 10 * distance.abs()) ** 2


class FirstOnly(torch.autograd.Function):
    """Keeps what equals 1; its gradient is that of the identity."""

    @staticmethod
    def forward(ctx, sums):
        return (sums == 1).to(sums.dtype)

    @staticmethod
    def backward(ctx, gradient):
        return gradient


def over_time(current, kernel):
    """Causal convolution of [batch, neuron, time] with [neuron, lag]."""
    steps = current.shape[2]
    padded = functional.pad(current, (steps - 1, 0))
    return functional.conv1d(padded, kernel.flip(1)[:, None], groups=kernel.shape[0])


def decays(beta, current):
    lags = torch.arange(current.shape[2], device=current.device, dtype=current.dtype)
    return beta.clamp(0, 1)[:, None] ** lags


def block(current, beta):
    potential = over_time(current, decays(beta, current))
    crossings = Threshold.apply(potential - 1)
    lags = torch.arange(1, current.shape[2] + 1, device=current.device, dtype=current.dtype)
    return FirstOnly.apply(over_time(crossings, lags.expand(current.shape[1], -1)))


def step_by_step(current, beta, after):
    """`after` takes potential, spikes and its own state to what is left of the potential, the spikes that count, state."""
    potential, state, spikes = torch.zeros_like(current[:, :, 0]), None, []
    for now in current.unbind(2):
        potential = beta * potential + now
        fired = Threshold.apply(potential - 1)
        potential, fired, state = after(potential, fired, state)
        spikes.append(fired)
    return torch.stack(spikes, 2)


def single(current, beta):
    def after(potential, fired, silent):
        if silent is None:
            return potential, fired, fired
        return potential, fired * (1 - silent), torch.maximum(silent, fired)

    return step_by_step(current, beta, after)


def multi(current, beta):
    return step_by_step(current, beta, lambda potential, fired, _: (potential - fired, fired, None))


class Network(nn.Module):
    """A hidden layer, and a readout whose membrane is summed over time."""

    def __init__(self, inputs, neurons, classes, model):
        super().__init__()
        self.hidden, self.readout = nn.Linear(inputs, neurons), nn.Linear(neurons, classes)
        self.beta = nn.Parameter(torch.full((neurons,), 0.9048))
        self.beta_readout = nn.Parameter(torch.full((classes,), 0.9512))
        self.model = model

    def forward(self, spikes):
        hidden = self.model(self.hidden(spikes).transpose(1, 2), self.beta)
        current = self.readout(hidden.transpose(1, 2)).transpose(1, 2)
        return over_time(current, decays(self.beta_readout, current)).sum(2)


def spikingjelly():
    """A model of the package's neurons, which have one β a layer, and spike as often as they can."""
    from spikingjelly.activation_based import functional as jelly
    from spikingjelly.activation_based import neuron

    nodes = neuron.ParametricLIFNode(step_mode="m")

    def model(current, _):
        jelly.reset_net(nodes)
        return nodes(current.permute(2, 0, 1)).permute(1, 2, 0)

    return nodes, model


class Products(nn.Module):
    def __init__(self, inputs, neurons):
        super().__init__()
        self.hidden = nn.Linear(inputs, neurons)

    def forward(self, spikes):
        return self.hidden(spikes)


def batch(inputs, steps, density, device):
    if density is None:
        when = torch.randint(0, steps, (BATCH, 1, inputs), device=device)
        return torch.zeros(BATCH, steps, inputs, device=device).scatter_(1, when, 1.0)
    return (torch.rand(BATCH, steps, inputs, device=device) < density).float()


def measure(network, spikes, targets, device, seconds):
    def idle():
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter()

    adam = torch.optim.Adam(network.parameters(), lr=0.001, fused=device.type == "cuda")
    forward, backward, begun = [], [], 0.0
    for lap in range(WARM_UPS + MOST):
        if lap == WARM_UPS:
            begun = time.perf_counter()
        start = idle()
        output = network(spikes)
        loss = functional.cross_entropy(output, targets) if output.dim() == 2 else output.sum()
        middle = idle()
        adam.zero_grad(set_to_none=True)
        loss.backward()
        if output.dim() == 2:
            adam.step()
        end = idle()
        if lap >= WARM_UPS:
            forward.append(middle - start)
            backward.append(end - middle)
            if lap >= WARM_UPS + FEWEST and end - begun > seconds:
                break
    return statistics.median(forward), statistics.median(backward), len(forward)


def networks(inputs, neurons, classes):
    for name, model in ("convolution", block), ("standard-single", single), ("standard-multi", multi):
        yield name, lambda model=model: Network(inputs, neurons, classes, model)
    yield "products", lambda: Products(inputs, neurons)

    def jelly():
        nodes, model = spikingjelly()
        network = Network(inputs, neurons, classes, model)
        network.nodes = nodes
        return network

    yield "spikingjelly", jelly


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", default="peers.jsonl")
    parser.add_argument("--only", choices=WORKLOADS, help="one workload")
    parser.add_argument("--seconds", type=float, default=3.0, help="a measurement ends after so long")
    parser.add_argument("--tf32", action="store_true", help="matrix products as TF32 instead of float32")
    args = parser.parse_args()
    device = torch.device(args.device)
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = args.tf32
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    with open(args.out, "w", encoding="utf-8") as out:
        for workload in [args.only] if args.only else WORKLOADS:
            inputs, neurons, classes, steps, density = WORKLOADS[workload]
            spikes = batch(inputs, steps, density, device)
            targets = torch.arange(BATCH, device=device) % classes
            for formulation, make in networks(inputs, neurons, classes):
                row = {"workload": workload, "formulation": formulation, "batch": BATCH, "steps": steps,
                       "device": args.device, "gpu": gpu, "torch": torch.__version__, "tf32": args.tf32}
                try:
                    network = make().to(device)
                    forward, backward, laps = measure(network, spikes, targets, device, args.seconds)
                    row |= {"forward_seconds": forward, "backward_seconds": backward, "repetitions": laps}
                except (ImportError, RuntimeError) as error:
                    row["problem"] = str(error).splitlines()[0]
                line = json.dumps(row)
                print(line, flush=True)
                print(line, file=out, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
