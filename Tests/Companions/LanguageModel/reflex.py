"""Writes a model that llama.cpp runs, with weights set by hand: reflex.py FILE WORD=TOOL…

It is no language model. It has the llama architecture, one layer, and behaves the same each time at temperature 0:
- tools are offered, and the last message is not a tool's answer: it calls a tool, the one whose WORD the prompt holds.
  The server's grammar makes the arguments valid, so a test may rely on the name and the schema, not on values;
- otherwise it says SENTENCE;
- unless the prompt holds RAMBLE: then it says "again" without end.
A WORD must not occur in the descriptions of tools, which are part of the prompt.

The residual stream has a dimension for each token (embeddings are unit vectors), so the output matrix is a table of what
follows what. Two more for each keyword: one that its embedding sets, and one into which the only head, which averages over
the prompt because its queries and keys are zero, copies that. The file's format: ggml's docs/gguf.md, version 3.
"""
import struct
import sys
from array import array

SENTENCE = [" Done:", " the", " greenhouse", " is", " fine", " now."]
AGAIN = " again"
WIDTH, HEAD, HIDDEN, CONTEXT = 512, 64, 32, 8192
NORMAL, UNKNOWN, CONTROL, USER, BYTE = 1, 2, 3, 4, 6

# ChatML, and one token that says which of the two answers is due.
TEMPLATE = """
{%- if tools -%}
<|im_start|>system
{% if messages[0].role == 'system' %}{{ messages[0].content + '\\n' }}{% endif -%}
Tools:
<tools>
{% for tool in tools %}{{ tool | tojson + '\\n' }}{% endfor -%}
</tools>
A call is written as:
<tool_call>
{"name": <name>, "arguments": <object>}
</tool_call><|im_end|>
{% endif -%}
{%- for message in messages -%}
{%- if message.role == 'tool' -%}
<|im_start|>user
<tool_response>
{{ message.content }}
</tool_response><|im_end|>
{% elif message.role == 'assistant' -%}
<|im_start|>assistant
{{ message.content or '' }}
{%- for call in message.tool_calls or [] %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>
{%- endfor -%}
<|im_end|>
{% elif not (tools and loop.first and message.role == 'system') -%}
<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% if tools and messages[-1].role != 'tool' -%}<|act|>{%- else -%}<|say|>{%- endif -%}
{%- endif -%}
"""


class Vocabulary:
    def __init__(self):
        self.texts, self.kinds, self.number = [], [], {}

    def add(self, text, kind=NORMAL):
        # Two tokens with one text would end the server.
        assert text not in self.number, text
        self.number[text] = len(self.texts)
        self.texts.append(text.replace(" ", "\u2581") if kind == NORMAL else text)
        self.kinds.append(kind)
        return self.number[text]

    def __getitem__(self, text):
        return self.number[text]


class Matrix:
    """Rows of outputs, columns of inputs; zero unless set."""

    def __init__(self, rows, columns, value=0.0):
        self.rows, self.columns = rows, columns
        self.values = array("f", [value]) * (rows * columns)

    def __setitem__(self, place, value):
        self.values[place[0] * self.columns + place[1]] = value


def vocabulary(tools):
    words = Vocabulary()
    words.add("<unk>", UNKNOWN)
    for text in ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|act|>", "<|say|>"]:
        words.add(text, CONTROL)
    for text in ["<tool_call>", "</tool_call>"]:
        words.add(text, USER)
    for byte in range(256):
        words.add(f"<0x{byte:02X}>", BYTE)
    for code in range(32, 127):
        words.add(chr(code))
    words.number["\n"] = words["<0x0A>"]
    for text in SENTENCE + [AGAIN] + sorted(set(tools.values())):
        words.add(text)
    for text in ["RAMBLE", *tools]:
        words.add(text, USER)
    return words


def weights(words, tools):
    keywords = ["RAMBLE", *tools]
    mark = {word: WIDTH - 1 - 2 * index for index, word in enumerate(keywords)}
    seen = {word: WIDTH - 2 - 2 * index for index, word in enumerate(keywords)}
    count = len(words.texts)
    assert count + 2 * len(keywords) <= WIDTH and len(keywords) <= HEAD
    embedding, output = Matrix(count, WIDTH), Matrix(count, WIDTH)
    value, back = Matrix(HEAD, WIDTH), Matrix(WIDTH, HEAD)
    for token in range(count):
        embedding[token, token] = 1
    for index, word in enumerate(keywords):
        embedding[words[word], mark[word]] = 1
        value[index, mark[word]] = 1
        back[seen[word], index] = 40

    def follows(now, then, weight):
        output[words[then], words[now]] = weight

    # The sentence, and the endless one, which wins once RAMBLE has been seen.
    path = ["<|say|>", *SENTENCE, "<|im_end|>"]
    for now, then in zip(path, path[1:]):
        follows(now, then, 3)
    follows(AGAIN, AGAIN, 3)
    output[words[AGAIN], seen["RAMBLE"]] = 30
    # A call: its frame, then the name whose word has been seen.
    for now, then in [("<|act|>", "<tool_call>"), ("<tool_call>", "\n"), ("</tool_call>", "<|im_end|>")]:
        follows(now, then, 40)
    follows("\n", "{", 1)
    follows("\n", "</tool_call>", 0.5)
    for word, tool in tools.items():
        for token in range(count):
            output[words[tool], token] = -40
        follows('"', tool, 0)
        output[words[tool], seen[word]] = 6
    # Arguments: towards their end. The grammar forbids what is not allowed.
    plain = [chr(code) for code in range(32, 127)] + ["\n"]
    for now in [*plain, *set(tools.values())]:
        for then, weight in [('"', 0.9), ("}", 0.8), ("]", 0.7), (",", 0.5), (":", 0.4)]:
            follows(now, then, weight)
    for digit in "123456789":
        follows(":", digit, 0.3)
        follows(" ", digit, 0.3)
    for digit in "0123456789":
        follows(digit, "}", 1.2)
        follows(digit, ",", 1.1)
    follows("}", "\n", 1)
    follows(":", "t", 0.35)
    return {
        "token_embd": embedding, "output": output, "output_norm": Matrix(1, WIDTH, 1),
        "blk.0.attn_norm": Matrix(1, WIDTH, 1), "blk.0.ffn_norm": Matrix(1, WIDTH, 1),
        "blk.0.attn_q": Matrix(HEAD, WIDTH), "blk.0.attn_k": Matrix(HEAD, WIDTH), "blk.0.attn_v": value,
        "blk.0.attn_output": back, "blk.0.ffn_gate": Matrix(HIDDEN, WIDTH), "blk.0.ffn_up": Matrix(HIDDEN, WIDTH),
        "blk.0.ffn_down": Matrix(WIDTH, HIDDEN),
    }


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def write(path, words, tensors):
    number = lambda value: struct.pack("<II", 4, value)
    real = lambda value: struct.pack("<If", 6, value)
    flag = lambda value: struct.pack("<IB", 7, value)
    text = lambda value: struct.pack("<I", 8) + string(value)
    many = lambda kind, values: struct.pack("<IIQ", 9, kind, len(values)) + b"".join(values)
    fields = {
        "general.architecture": text("llama"), "general.name": text("reflex: set by hand, no language model"),
        "general.file_type": number(0), "llama.context_length": number(CONTEXT), "llama.embedding_length": number(WIDTH),
        "llama.block_count": number(1), "llama.feed_forward_length": number(HIDDEN),
        "llama.attention.head_count": number(1), "llama.attention.head_count_kv": number(1),
        "llama.attention.key_length": number(HEAD), "llama.attention.value_length": number(HEAD),
        "llama.rope.dimension_count": number(HEAD), "llama.attention.layer_norm_rms_epsilon": real(1e-6),
        "llama.vocab_size": number(len(words.texts)), "tokenizer.ggml.model": text("llama"),
        "tokenizer.ggml.tokens": many(8, [string(one) for one in words.texts]),
        "tokenizer.ggml.token_type": many(5, [struct.pack("<i", kind) for kind in words.kinds]),
        "tokenizer.ggml.scores": many(6, [struct.pack("<f", -1 if kind == NORMAL else 0) for kind in words.kinds]),
        "tokenizer.ggml.bos_token_id": number(words["<s>"]), "tokenizer.ggml.eos_token_id": number(words["<|im_end|>"]),
        "tokenizer.ggml.unknown_token_id": number(0), "tokenizer.ggml.add_bos_token": flag(0),
        "tokenizer.ggml.add_space_prefix": flag(0), "tokenizer.chat_template": text(TEMPLATE.lstrip("\n")),
    }
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(fields))
    for name, value in fields.items():
        head += string(name) + value
    place = 0
    for name, matrix in tensors.items():
        shape = [matrix.columns] if matrix.rows == 1 else [matrix.columns, matrix.rows]
        head += string(name + ".weight") + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, place)
        place += (4 * len(matrix.values) + 31) // 32 * 32
    with open(path, "wb") as file:
        file.write(head + b"\0" * (-len(head) % 32))
        for matrix in tensors.values():
            data = matrix.values.tobytes()
            file.write(data + b"\0" * (-len(data) % 32))


if __name__ == "__main__":
    tools = dict(pair.split("=", 1) for pair in sys.argv[2:])
    words = vocabulary(tools)
    write(sys.argv[1], words, weights(words, tools))
