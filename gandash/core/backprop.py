"""The gradients of one update, twice: by autograd for any network, in closed form for plain MLPs.

Networks this small leave most of a step's time between the multiplications, and autograd is where most of it goes. A
critic has one output, so the gradient of any loss with respect to its weights is a sum of products that one forward and
one backward pass already hold. `ClosedForm` writes them down; `Autograd` is the general case and its oracle in the
tests. Both leave the gradients in each parameter's ``.grad``, which must exist.

For a penalty P on the critic's input gradients g = ∂D/∂x, let v = ∂P/∂g. Then ∂P/∂W = ∂⟨g, v⟩/∂W with v held fixed, and
⟨g, v⟩ is D's directional derivative along v. If the activation is piecewise linear this derivative is itself an MLP
with the same weights and slopes, so ∂P/∂W_l = δ_l ⊗ t_l: δ_l the usual backward signal of D, t_l the tangent v carried
forward to layer l. No second backward pass is needed (Pearlmutter 1994, section 3, for a network linear in each piece).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import torch
from torch import Tensor, nn

from gandash.core.networks import Dropout, FourierFeatures, LatentFeatures

Loss = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From logits ``(n, 1)``, or from input gradients ``(n, d)``, to a scalar and its gradient with respect to them."""
View = Callable[[Tensor], Tensor]
"""From points to what the discriminator sees of them."""

NARROW = 8
"""Up to so many inputs a layer's weight gradient is computed transposed, which is up to four times as fast on CPU."""

aten = torch.ops.aten


class Gradients(Protocol):
    """How the trainer asks for gradients."""

    def points(self, noise: Tensor) -> Tensor:
        """The generator's output G(noise), without gradients."""
        ...

    def logits(self, x: Tensor) -> Tensor:
        """The discriminator's output at `x`, in training mode, without gradients."""
        ...

    def discriminator(self, x: Tensor, loss: Loss, penalty: Loss | None = None) -> tuple[Tensor, Tensor]:
        """Set the discriminator's gradients of ``loss(D(x)) + penalty(∂D/∂x)``; return this value and the logits."""
        ...

    def generator(self, noise: Tensor, seen: View, loss: Loss) -> tuple[Tensor, Tensor]:
        """Set the generator's gradients of ``loss(D(seen(G(noise))))``; return this value and the points G(noise).

        `seen` turns points into the discriminator's input by reshaping and adding noise only: its Jacobian is 1.
        """
        ...


class Autograd:
    """Gradients by `torch.autograd`: any network, any activation."""

    def __init__(self, generator: nn.Sequential, discriminator: nn.Sequential) -> None:
        self._generator = generator
        self._discriminator = discriminator

    def points(self, noise: Tensor) -> Tensor:
        with torch.no_grad():
            points: Tensor = self._generator(noise)
            return points

    def logits(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            logits: Tensor = self._discriminator(x)
            return logits

    def discriminator(self, x: Tensor, loss: Loss, penalty: Loss | None = None) -> tuple[Tensor, Tensor]:
        _zero_grad(self._discriminator)
        x = x.detach().requires_grad_(penalty is not None)
        logits = self._discriminator(x)
        value, slope = loss(logits.detach())
        outputs, slopes = [logits], [slope]
        if penalty is not None:
            (input_gradients,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
            penalty_value, penalty_slope = penalty(input_gradients.detach())
            value = value + penalty_value
            outputs.append(input_gradients)
            slopes.append(penalty_slope)
        torch.autograd.backward(outputs, slopes)
        return value, logits.detach()

    def generator(self, noise: Tensor, seen: View, loss: Loss) -> tuple[Tensor, Tensor]:
        _zero_grad(self._generator)
        self._discriminator.requires_grad_(False)
        points = self._generator(noise)
        logits = self._discriminator(seen(points))
        value, slope = loss(logits.detach())
        logits.backward(slope)
        self._discriminator.requires_grad_(True)
        return value, points.detach()


class ClosedForm:
    """Gradients of plain MLPs written out; see the module's docstring."""

    def __init__(self, generator: nn.Sequential, discriminator: nn.Sequential) -> None:
        self._generator = _Mlp(generator)
        self._discriminator = _Mlp(discriminator)

    @staticmethod
    def supports(network: nn.Sequential, *, penalty: bool) -> bool:
        """Whether this network, with or without a penalty on its input gradients, has a closed form here."""
        smooth = any(isinstance(layer, nn.SiLU | nn.Tanh) for layer in network)
        return not (penalty and smooth) and not any(nn.utils.parametrize.is_parametrized(layer) for layer in network)

    @torch.no_grad()
    def points(self, noise: Tensor) -> Tensor:
        return self._generator.forward(noise).output

    @torch.no_grad()
    def logits(self, x: Tensor) -> Tensor:
        return self._discriminator.forward(x).output

    @torch.no_grad()
    def discriminator(self, x: Tensor, loss: Loss, penalty: Loss | None = None) -> tuple[Tensor, Tensor]:
        critic = self._discriminator
        trace = critic.forward(x)
        value, logit_gradients = loss(trace.output)
        if penalty is None:
            critic.backward(trace, logit_gradients)
            return value, trace.output
        signals, input_gradients = critic.signals(trace)
        penalty_value, direction = penalty(input_gradients)
        critic.set_gradients(signals, trace, logit_gradients, critic.tangents(trace, direction))
        return value + penalty_value, trace.output

    @torch.no_grad()
    def generator(self, noise: Tensor, seen: View, loss: Loss) -> tuple[Tensor, Tensor]:
        made = self._generator.forward(noise)
        trace = self._discriminator.forward(seen(made.output))
        value, logit_gradients = loss(trace.output)
        gradients = self._discriminator.input_gradients(trace, logit_gradients)
        self._generator.backward(made, gradients.view_as(made.output))
        return value, made.output


def _zero_grad(network: nn.Module) -> None:
    for parameter in network.parameters():
        assert parameter.grad is not None
        parameter.grad.zero_()


@dataclass(frozen=True)
class _Trace:
    """One forward pass: what each linear layer took in, and what its activation's slope needs."""

    inputs: list[Tensor]
    activated: list[Tensor]
    factors: Sequence[Tensor | None]
    waves: tuple[Tensor, Tensor] | None
    output: Tensor


@dataclass(frozen=True)
class _Linear:
    """The tensors of one linear layer, and its gradients, at hand: looking them up in a module costs microseconds."""

    weight: Tensor
    transposed: Tensor
    bias: Tensor
    weight_grad: Tensor
    bias_grad: Tensor

    def set_weight_gradient(self, signal: Tensor, x: Tensor) -> None:
        """From the signals at the outputs ``(n, outputs)`` and the inputs ``(n, inputs)``, summed over the batch."""
        if x.shape[1] <= NARROW:
            self.weight_grad.copy_(torch.mm(x.t(), signal).t())
        else:
            torch.mm(signal.t(), x, out=self.weight_grad)

    @classmethod
    def of(cls, layer: nn.Linear) -> Self:
        assert layer.weight.grad is not None and layer.bias.grad is not None
        weight = layer.weight.detach()
        return cls(weight, weight.t(), layer.bias.detach(), layer.weight.grad, layer.bias.grad)


@dataclass(frozen=True)
class _Activation:
    """`apply` changes its argument in place if it can; `slope` multiplies a signal in place, given what that left."""

    apply: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor, Tensor], Tensor]

    @classmethod
    def of(cls, layer: nn.Module) -> Self:
        match layer:
            case nn.LeakyReLU(negative_slope=k):
                return cls(
                    lambda h: nn.functional.leaky_relu_(h, k),
                    lambda s, saved: aten.leaky_relu_backward.grad_input(s, saved, k, True, grad_input=s),
                )
            case nn.Tanh():
                return cls(torch.tanh_, lambda s, saved: aten.tanh_backward.grad_input(s, saved, grad_input=s))
            case nn.SiLU():
                return cls(nn.functional.silu, lambda s, saved: aten.silu_backward.grad_input(s, saved, grad_input=s))
            case _:
                return cls(torch.relu_, lambda s, saved: aten.threshold_backward.grad_input(s, saved, 0, grad_input=s))


class _Mlp:
    """Reads an `nn.Sequential` of Linear, activation and Dropout, perhaps features first and an activation last.

    It shares their parameters. Hidden layers' values are written to buffers that every pass uses again, so a trace
    lasts until the next forward pass. Fresh tensors of this size would cost more than the arithmetic: the allocator
    returns their pages each time.
    """

    def __init__(self, network: nn.Sequential) -> None:
        layers = list(network)
        self.features = layers[0] if isinstance(layers[0], FourierFeatures) else None
        self.latent_features = layers[0] if isinstance(layers[0], LatentFeatures) else None
        self.linears = [_Linear.of(layer) for layer in layers if isinstance(layer, nn.Linear)]
        activations = [a for a in layers if isinstance(a, nn.ReLU | nn.LeakyReLU | nn.SiLU | nn.Tanh)]
        self.activations = [_Activation.of(layer) for layer in activations]
        self.dropouts = [layer for layer in layers if isinstance(layer, Dropout)]
        known = len(self.linears) + len(self.activations) + len(self.dropouts)
        known += isinstance(layers[0], FourierFeatures | LatentFeatures)
        self.last = self.activations.pop() if len(self.activations) == len(self.linears) else None
        assert known == len(layers) and len(self.activations) == len(self.linears) - 1
        self._buffers: dict[tuple[str, int, int], Tensor] = {}
        self._factors: dict[int, tuple[Tensor, list[Tensor]]] = {}

    def _buffer(self, role: str, layer: int, like: Tensor) -> Tensor:
        """Room for a value of a layer's width and as many rows as `like` has."""
        key = (role, layer, like.shape[0])
        if key not in self._buffers:
            self._buffers[key] = like.new_empty(like.shape[0], self.linears[layer].bias.shape[0])
        return self._buffers[key]

    def forward(self, x: Tensor) -> _Trace:
        waves = None
        if self.features is not None:
            waves = self.features.waves(x)
            x = torch.cat((x, *waves), dim=1)
        elif self.latent_features is not None:
            x = self.latent_features(x)  # noise needs no gradient
        factors = self._dropout_factors(x)
        inputs, activated = [x], []
        for layer, (activation, factor) in enumerate(zip(self.activations, factors, strict=True)):
            linear, room = self.linears[layer], self._buffer("activated", layer, x)
            z = torch.addmm(linear.bias, inputs[-1], linear.transposed, out=room)
            h = activation.apply(z)
            activated.append(z)
            inputs.append(h if factor is None else torch.mul(h, factor, out=self._buffer("input", layer, x)))
        last = self.linears[-1]
        output = torch.addmm(last.bias, inputs[-1], last.transposed)
        if self.last is not None:
            output = self.last.apply(output)
        return _Trace(inputs, activated, factors, waves, output)

    def _dropout_factors(self, x: Tensor) -> Sequence[Tensor | None]:
        if not self.dropouts or not self.dropouts[0].training:
            return [None] * len(self.activations)
        rows = x.shape[0]
        if rows not in self._factors:
            widths = [linear.bias.shape[0] for linear in self.linears[:-1]]
            room = x.new_empty(rows * sum(widths))
            parts = torch.split(room, [rows * width for width in widths])
            self._factors[rows] = room, [part.view(rows, -1) for part in parts]
        room, factors = self._factors[rows]
        self.dropouts[0].draw(room)
        return factors

    def _through_slope(self, layer: int, trace: _Trace, signal: Tensor) -> Tensor:
        """Multiply a signal at a hidden layer's output in place by the slope of its activation and dropout."""
        factor = trace.factors[layer]
        if factor is not None:
            signal.mul_(factor)
        return self.activations[layer].slope(signal, trace.activated[layer])

    def _back(self, layer: int, trace: _Trace, signal: Tensor) -> Tensor:
        """From the signal at a linear layer's output to the one at the linear layer before."""
        room = self._buffer("signal", layer - 1, signal)
        return self._through_slope(layer - 1, trace, torch.mm(signal, self.linears[layer].weight, out=room))

    def backward(self, trace: _Trace, signal: Tensor) -> None:
        """Set the weights' gradients from the loss's gradient with respect to the output, which may be overwritten."""
        if self.last is not None:
            signal = self.last.slope(signal, trace.output)
        for layer in reversed(range(len(self.linears))):
            linear = self.linears[layer]
            linear.set_weight_gradient(signal, trace.inputs[layer])
            torch.sum(signal, 0, out=linear.bias_grad)
            if layer:
                signal = self._back(layer, trace, signal)

    def signals(self, trace: _Trace, output: Tensor | None = None) -> tuple[list[Tensor], Tensor]:
        """The signals ∂D/∂z at every linear layer's output z (times `output`), first layer first, and ∂D/∂x."""
        signals = [torch.ones_like(trace.output) if output is None else output]
        for layer in reversed(range(1, len(self.linears))):
            signals.append(self._back(layer, trace, signals[-1]))
        return signals[::-1], self._features_backward(trace, signals[-1] @ self.linears[0].weight)

    def input_gradients(self, trace: _Trace, output: Tensor) -> Tensor:
        """The loss's gradient with respect to the input, from its gradient with respect to the output."""
        return self.signals(trace, output)[1]

    def tangents(self, trace: _Trace, direction: Tensor) -> list[Tensor]:
        """The derivative of each linear layer's input along a direction in input space."""
        tangents = [self._features_tangent(trace, direction)]
        for layer, linear in enumerate(self.linears[:-1]):
            room = self._buffer("tangent", layer, direction)
            tangents.append(self._through_slope(layer, trace, torch.mm(tangents[-1], linear.transposed, out=room)))
        return tangents

    def set_gradients(
        self, signals: Sequence[Tensor], trace: _Trace, logit_gradients: Tensor, tangents: Sequence[Tensor]
    ) -> None:
        """Set the weights' gradients of the loss and the penalty together, one product a layer."""
        for linear, signal, x, tangent in zip(self.linears, signals, trace.inputs, tangents, strict=True):
            linear.set_weight_gradient(signal, tangent.addcmul_(x, logit_gradients))
            torch.mv(signal.t(), logit_gradients[:, 0], out=linear.bias_grad)

    def _features_backward(self, trace: _Trace, signal: Tensor) -> Tensor:
        if self.features is None or trace.waves is None:
            return signal
        sin, cos = trace.waves
        n, dim = signal.shape[0], trace.inputs[0].shape[1] - 2 * sin.shape[1]
        raw, on_sin, on_cos = torch.split(signal, [dim, sin.shape[1], cos.shape[1]], dim=1)
        turned = (on_sin * cos - on_cos * sin).view(n * dim, -1)
        return torch.addmv(raw.reshape(-1), turned, self.features.frequencies).view(n, dim)

    def _features_tangent(self, trace: _Trace, direction: Tensor) -> Tensor:
        if self.features is None or trace.waves is None:
            return direction.clone()
        sin, cos = trace.waves
        turning = (direction.unsqueeze(-1) * self.features.frequencies).flatten(1)
        return torch.cat((direction, cos * turning, -sin * turning), dim=1)
