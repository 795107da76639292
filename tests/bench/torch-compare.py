#!/usr/bin/env python3
"""The training step of `npm run bench` in eager PyTorch, to be run beside it on the same machine (optional).

Debian: apt-get install python3-torch libopenblas0-pthread. The same stacks (dModel 256, seqLen 256, batch 8, vocab 4096), the
same chunk-wise forms (chunks of 64), AdamW with clipping. Usage: python3 tests/bench/torch-compare.py [steps]
"""
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

D, T, B, V, C = 256, 256, 8, 4096, 64
torch.manual_seed(1)


def rms(x, w, eps=1e-6):
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + eps) * w


def linear(i, o):
    layer = nn.Linear(i, o, bias=False)
    nn.init.normal_(layer.weight, 0, 0.02)
    return layer


def conv(channels, bias=False):
    return nn.Conv1d(channels, channels, 4, groups=channels, bias=bias, padding=3)


def causal(layer, x):
    return F.silu(layer(x.transpose(1, 2))[..., : x.shape[1]].transpose(1, 2))


def chunks(x):  # [B,T,H,w] -> [B,H,n,C,w]
    b, t, h, w = x.shape
    return x.transpose(1, 2).reshape(b, h, t // C, C, w)


def unchunk(x):
    b, h, n, c, w = x.shape
    return x.reshape(b, h, n * c, w).transpose(1, 2).reshape(b, n * c, h * w)


TRIL = torch.ones(C, C).tril()


class FFN(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate, self.up, self.down = linear(D, 3 * D), linear(D, 3 * D), linear(3 * D, D)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Attention(nn.Module):
    H, W = 2, 128

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (linear(D, D) for _ in range(4))
        angle = torch.arange(T)[:, None] * 10000 ** (-torch.arange(self.W // 2) / (self.W // 2))
        self.cos, self.sin = angle.cos()[None, :, None], angle.sin()[None, :, None]
        self.mask = torch.full((T, T), -1e30).triu(1)

    def rope(self, x):
        a, b = x.chunk(2, -1)
        return torch.cat([a * self.cos - b * self.sin, b * self.cos + a * self.sin], -1)

    def forward(self, x):
        q, k, v = (f(x).view(B, T, self.H, self.W) for f in (self.q, self.k, self.v))
        q, k, v = self.rope(q).transpose(1, 2), self.rope(k).transpose(1, 2), v.transpose(1, 2)
        a = (q @ k.transpose(-1, -2) * self.W**-0.5 + self.mask).softmax(-1)
        return self.o((a @ v).transpose(1, 2).reshape(B, T, D))


class DeltaNet(nn.Module):
    H, W = 2, 128

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (linear(D, D) for _ in range(4))
        self.b = linear(D, self.H)
        self.cq, self.ck, self.cv = conv(D), conv(D), conv(D)
        self.norm = nn.Parameter(torch.ones(self.W))

    def forward(self, x):
        heads = lambda y: y.view(B, T, self.H, self.W)
        l2 = lambda y: y * torch.rsqrt((y * y).sum(-1, keepdim=True) + 1e-6)
        q = chunks(l2(heads(causal(self.cq, self.q(x))))) * self.W**-0.5
        k = chunks(l2(heads(causal(self.ck, self.k(x)))))
        v = chunks(heads(causal(self.cv, self.v(x))))
        beta = chunks(torch.sigmoid(self.b(x))[..., None])
        a = (beta * (k @ k.transpose(-1, -2))) * TRIL.tril(-1)
        solve = torch.inverse(a + torch.eye(C))
        u, w = solve @ (beta * v), solve @ (beta * k)
        state = torch.zeros(B, self.H, self.W, self.W)
        scores = (q @ k.transpose(-1, -2)) * TRIL
        out = []
        for i in range(T // C):
            r = u[:, :, i] - w[:, :, i] @ state
            out.append(q[:, :, i] @ state + scores[:, :, i] @ r)
            state = state + k[:, :, i].transpose(-1, -2) @ r
        o = unchunk(rms(torch.stack(out, 2), self.norm, 1e-5))
        return self.o(o)


class Mamba2(nn.Module):
    E, P, N = 512, 64, 128

    def __init__(self):
        super().__init__()
        self.heads = self.E // self.P
        self.inp, self.out = linear(D, 2 * self.E + 2 * self.N + self.heads), linear(self.E, D)
        self.conv = conv(self.E + 2 * self.N, True)
        self.a = nn.Parameter(torch.log(torch.rand(self.heads) * 15 + 1))
        self.dt = nn.Parameter(torch.full((self.heads,), -4.0))
        self.d, self.norm = nn.Parameter(torch.ones(self.heads)), nn.Parameter(torch.ones(self.E))

    def forward(self, x):
        z, xbc, dt = self.inp(x).split([self.E, self.E + 2 * self.N, self.heads], -1)
        u, b, c = causal(self.conv, xbc).split([self.E, self.N, self.N], -1)
        dt = F.softplus(dt + self.dt)
        u = u.view(B, T, self.heads, self.P)
        v = chunks(u * dt[..., None])
        k, q = chunks(b[:, :, None]), chunks(c[:, :, None])
        g = chunks((dt * -self.a.exp())[..., None]).cumsum(-2)
        end = g[..., -1:, :]
        decay = (g - g.transpose(-1, -2)).masked_fill(TRIL == 0, -1e30).exp()
        inside = ((q @ k.transpose(-1, -2)) * decay) @ v
        added = k.transpose(-1, -2) @ (v * (end - g).exp())
        state = torch.zeros(B, self.heads, self.N, self.P)
        before = []
        for i in range(T // C):
            before.append(state)
            state = state * end[:, :, i].exp() + added[:, :, i]
        o = unchunk(inside + (q @ torch.stack(before, 2)) * g.exp())
        y = o.view(B, T, self.heads, self.P) + self.d[:, None] * u
        return self.out(rms(y.reshape(B, T, self.E) * F.silu(z), self.norm, 1e-5))


BLOCKS = {"a": Attention, "f": FFN, "d": DeltaNet, "m2": Mamba2}


class Model(nn.Module):
    def __init__(self, pattern):
        super().__init__()
        self.embed = nn.Parameter(torch.randn(V, D) * 0.02)
        self.blocks = nn.ModuleList(BLOCKS[s]() for s in pattern.split())
        self.norms = nn.ParameterList(nn.Parameter(torch.ones(D)) for _ in range(len(self.blocks) + 1))

    def forward(self, tokens):
        h = F.embedding(tokens, self.embed)
        for norm, block in zip(self.norms, self.blocks):
            h = h + block(rms(h, norm))
        return rms(h, self.norms[len(self.blocks)]) @ self.embed.t()


def main(steps):
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    for name, pattern in [("hybrid", "d f m2 f a f d f m2 f a f"), ("attention", "a f a f a f a f a f a f")]:
        model = Model(pattern)
        optimiser = torch.optim.AdamW(model.parameters(), 1e-4, (0.9, 0.95), weight_decay=0.1)
        times = []
        for _ in range(steps + 1):
            tokens = torch.randint(V, (B, T))
            start = time.perf_counter()
            loss = F.cross_entropy(model(tokens).view(-1, V), ((tokens * 7 + 1) % V).view(-1))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            times.append(time.perf_counter() - start)
        ms = sorted(times[1:])[steps // 2] * 1000
        params = sum(p.numel() for p in model.parameters())
        print(f"train {name:10} {B * T / ms * 1000:.0f} tokens/s ({ms:.0f} ms/step), {params / 1e6:.2f} M parameters, loss {loss.item():.3f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
