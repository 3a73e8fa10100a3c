"""What a model is for, from the words of hubs and the class names in its configuration.

Licences that speak of "language models" do not reach an image model; these tables say which is which.
"""

from __future__ import annotations

import re

#: pipeline_tag of the hub -> target of law/words; a task that is not here says nothing.
PIPELINES: dict[str, str] = {
    **dict.fromkeys(("text-generation", "text2text-generation", "conversational", "summarization", "translation",
                     "question-answering", "table-question-answering", "image-text-to-text", "video-text-to-text",
                     "audio-text-to-text", "visual-question-answering", "document-question-answering",
                     "image-to-text", "any-to-any"), "language-model"),
    **dict.fromkeys(("text-classification", "token-classification", "zero-shot-classification",
                     "image-classification", "audio-classification", "tabular-classification",
                     "zero-shot-image-classification", "object-detection", "image-segmentation"), "classifier"),
    **dict.fromkeys(("sentence-similarity", "feature-extraction", "image-feature-extraction", "text-ranking"),
                    "embedding"),
    **dict.fromkeys(("text-to-image", "image-to-image", "text-to-video", "image-to-video",
                     "unconditional-image-generation", "image-to-3d", "text-to-3d"), "image-model"),
    **dict.fromkeys(("automatic-speech-recognition", "text-to-speech", "text-to-audio", "audio-to-audio"),
                    "speech-model"),
    "fill-mask": "encoder",
}
MULTIMODAL = frozenset({
    "image-text-to-text", "video-text-to-text", "audio-text-to-text", "visual-question-answering",
    "document-question-answering", "image-to-text", "any-to-any",
})
LIBRARIES: dict[str, str] = {
    "sentence-transformers": "embedding", "diffusers": "image-model", "timm": "classifier",
    "stable-diffusion": "image-model", "gliner": "classifier", "coqui": "speech-model",
}
REWARD_TAGS = frozenset({"reward-model", "reward model", "reward_model", "rm", "reward-trainer"})

#: Endings and beginnings of class names in `architectures` -> target, tried in order.
ARCHITECTURES: tuple[tuple[str, str], ...] = (
    (r".*(?:RewardModel|ForRewardModel\w*)", "reward-model"),
    (r".*For(?:Sequence|Token|Image|Audio)Classification", "classifier"),
    (r".*ForMaskedLM", "encoder"),
    (r"(?:Whisper|Wav2Vec2|Hubert|SpeechT5|Bark|Vits|Seamless)\w*", "speech-model"),
    (r".*(?:ForCausalLM|LMHeadModel|ForConditionalGeneration|ForQuestionAnswering)(?:Model)?", "language-model"),
    (r"(?:T5EncoderModel|XLMRobertaModel|BertModel|MPNetModel|NewModel)", "embedding"),
    (r".*(?:UNet|Diffusion|Transformer2D)\w*", "image-model"),
)


def of_architecture(name: str) -> str:
    """The target of a model class name, or ""."""
    return next((t for pattern, t in ARCHITECTURES if re.fullmatch(pattern, name[:200])), "")
