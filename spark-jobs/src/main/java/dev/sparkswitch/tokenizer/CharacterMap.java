package dev.sparkswitch.tokenizer;

import java.io.ByteArrayOutputStream;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * Replacement rules from character sequences to strings, applied left to right by the longest match, as SentencePiece's
 * normalizer does; {@link #blob()} is the {@code precompiled_charsmap} of its model files.
 */
final class CharacterMap implements Serializable {
    private static final long serialVersionUID = 1L;

    private final DoubleArrayTrie trie;
    /** The replacements in UTF-8, each ended by a byte 0; a rule's value is where its replacement starts. */
    private final byte[] replacements;

    private CharacterMap(DoubleArrayTrie trie, byte[] replacements) {
        this.trie = trie;
        this.replacements = replacements;
    }

    static CharacterMap of(Map<String, String> rules) {
        Map<String, Integer> positions = new HashMap<>();
        ByteArrayOutputStream replacements = new ByteArrayOutputStream();
        TreeMap<byte[], Integer> entries = new TreeMap<>(Arrays::compareUnsigned);
        for (Map.Entry<String, String> rule : new TreeMap<>(rules).entrySet()) {
            int position = positions.computeIfAbsent(rule.getValue(), replacement -> {
                int start = replacements.size();
                replacements.writeBytes(replacement.getBytes(StandardCharsets.UTF_8));
                replacements.write(0);
                return start;
            });
            entries.put(rule.getKey().getBytes(StandardCharsets.UTF_8), position);
        }
        return new CharacterMap(DoubleArrayTrie.of(entries), replacements.toByteArray());
    }

    /** SentencePiece's layout: the trie's size in bytes (uint32, little-endian), the trie, the replacements. */
    byte[] blob() {
        byte[] units = trie.dartsUnits();
        return ByteBuffer.allocate(Integer.BYTES + units.length + replacements.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(units.length)
                .put(units)
                .put(replacements)
                .array();
    }

    String apply(String text) {
        byte[] from = text.getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream to = new ByteArrayOutputStream(from.length + 16);
        int at = 0;
        while (at < from.length) {
            if (isPlain(from, at)) {
                to.write(from[at++]);
            } else {
                at += applyAt(from, at, to);
            }
        }
        return to.toString(StandardCharsets.UTF_8);
    }

    /** A printable ASCII character before another one: no rule starts so, which spares most text the trie. */
    private static boolean isPlain(byte[] text, int at) {
        return text[at] >= ' ' && text[at] < 0x7F && at + 1 < text.length && text[at + 1] >= 0;
    }

    /** Writes what stands for the longest match at {@code at}, or its character, and returns the bytes consumed. */
    private int applyAt(byte[] from, int at, ByteArrayOutputStream to) {
        int length = 0;
        int replacement = DoubleArrayTrie.NONE;
        int cell = DoubleArrayTrie.ROOT;
        for (int i = at; i < from.length && from[i] != 0; i++) {
            cell = trie.child(cell, from[i] & 0xFF);
            if (cell == DoubleArrayTrie.NONE) {
                break;
            }
            int value = trie.value(cell);
            if (value != DoubleArrayTrie.NONE) {
                length = i + 1 - at;
                replacement = value;
            }
        }
        if (length == 0) {
            length = Utf8.length(from[at]);
            to.write(from, at, length);
            return length;
        }
        int end = replacement;
        while (replacements[end] != 0) {
            end++;
        }
        to.write(replacements, replacement, end - replacement);
        return length;
    }
}
