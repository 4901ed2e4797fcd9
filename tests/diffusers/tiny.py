"""Writes a whole model of random numbers to disk: `python -m tests.diffusers.tiny FOLDER`.

It is built as LTX-Video is, from the library's own parts, a few kilobytes each.
"""

import string
import sys

import torch
from diffusers import (
    AutoencoderKLLTXVideo,
    FlowMatchEulerDiscreteScheduler,
    LTXPipeline,
    LTXVideoTransformer3DModel,
)
from transformers import T5Config, T5EncoderModel, T5Tokenizer

CHANNELS = 8


def transformer():
    return LTXVideoTransformer3DModel(
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        num_attention_heads=2,
        attention_head_dim=8,
        cross_attention_dim=16,
        num_layers=1,
        caption_channels=32,
    )


def autoencoder():
    return AutoencoderKLLTXVideo(
        latent_channels=CHANNELS,
        block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1),
        spatio_temporal_scaling=(True, True, True, False),
        decoder_spatio_temporal_scaling=(True, True, True, False),
        decoder_inject_noise=(False,) * 5,
        upsample_residual=(False,) * 4,
        upsample_factor=(1,) * 4,
    )


def reader():
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -1.0), ("▁", -2.0)]
    vocabulary += [(letter, -3.0) for letter in string.ascii_lowercase]
    config = T5Config(d_model=32, d_ff=37, d_kv=8, num_layers=1, num_heads=2, vocab_size=64)
    return T5EncoderModel(config), T5Tokenizer(vocab=vocabulary, extra_ids=0)


def write(folder):
    torch.manual_seed(0)
    text_encoder, tokenizer = reader()
    LTXPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=autoencoder(),
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        transformer=transformer(),
    ).save_pretrained(folder)


if __name__ == "__main__":
    write(sys.argv[1])
