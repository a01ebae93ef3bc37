"""The real pipelines with random networks of a few channels, saved as a hub's repository lies in the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

TEXT = 16


def tokenizer() -> Any:
    """A word-level tokenizer of a few words."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = ["<pad>", "</s>", "<unk>", "a", "photo", "of", "one", "person", "white", "background"]
    inner = Tokenizer(models.WordLevel({word: k for k, word in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
                                   model_max_length=16)


def save_vace(folder: Path) -> Path:
    """WanVACEPipeline: 8 pixels a latent, 4 frames a latent."""
    from diffusers import FlowMatchEulerDiscreteScheduler, WanVACEPipeline, WanVACETransformer3DModel

    torch.manual_seed(0)
    transformer = WanVACETransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, text_dim=TEXT, freq_dim=16, ffn_dim=16, num_layers=1,
        rope_max_seq_len=32, vace_layers=[0])
    WanVACEPipeline(tokenizer=tokenizer(), text_encoder=_umt5(), vae=_wan_vae(), transformer=transformer,
                    scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0)).save_pretrained(folder)
    return folder


def save_animate(folder: Path) -> Path:
    """WanAnimatePipeline."""
    from diffusers import FlowMatchEulerDiscreteScheduler, WanAnimatePipeline, WanAnimateTransformer3DModel
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel

    torch.manual_seed(0)
    transformer = WanAnimateTransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, text_dim=TEXT, freq_dim=16, ffn_dim=16, num_layers=2,
        image_dim=8, rope_max_seq_len=32, motion_encoder_channel_sizes={"4": 8, "8": 8, "16": 8},
        motion_encoder_size=16, motion_style_dim=8, motion_dim=4, motion_encoder_dim=8, face_encoder_hidden_dim=16,
        face_encoder_num_heads=2, inject_face_latents_blocks=2)
    vision = CLIPVisionModel(CLIPVisionConfig(hidden_size=8, num_attention_heads=2, num_hidden_layers=2, image_size=4,
                                              intermediate_size=16, patch_size=1))
    WanAnimatePipeline(tokenizer=tokenizer(), text_encoder=_umt5(), vae=_wan_vae(), transformer=transformer,
                       scheduler=FlowMatchEulerDiscreteScheduler(), image_encoder=vision,
                       image_processor=CLIPImageProcessor(crop_size=4, size=4)).save_pretrained(folder)
    return folder


def save_inpaint(folder: Path) -> Path:
    """StableDiffusionInpaintPipeline, which AutoPipelineForInpainting finds by itself."""
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionInpaintPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        block_out_channels=(8, 8), layers_per_block=1, sample_size=8, in_channels=9, out_channels=4, norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=TEXT, attention_head_dim=4)
    vae = AutoencoderKL(block_out_channels=[8, 8], norm_num_groups=4, latent_channels=4, sample_size=32,
                        down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2)
    text = CLIPTextModel(CLIPTextConfig(hidden_size=TEXT, intermediate_size=16, num_attention_heads=2, vocab_size=16,
                                        num_hidden_layers=1, max_position_embeddings=16, eos_token_id=1,
                                        pad_token_id=0, bos_token_id=2))
    StableDiffusionInpaintPipeline(
        vae=vae, text_encoder=text, tokenizer=tokenizer(), unet=unet, scheduler=DDIMScheduler(), safety_checker=None,
        feature_extractor=None, requires_safety_checker=False).save_pretrained(folder)
    return folder


def _umt5() -> Any:
    from transformers import UMT5Config, UMT5EncoderModel

    return UMT5EncoderModel(UMT5Config(vocab_size=16, d_model=TEXT, d_kv=8, d_ff=16, num_layers=1, num_heads=2))


def _wan_vae() -> Any:
    from diffusers import AutoencoderKLWan

    return AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1,
                            temperal_downsample=[False, True, True])
