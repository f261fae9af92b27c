package dev.sparkswitch.tokenizer;

import dev.sparkswitch.tokenizer.SentencePieceModel.Piece;
import java.nio.charset.StandardCharsets;

/**
 * Ids to text, after {@code SentencePieceProcessor::Decode} in SentencePiece's {@code sentencepiece_processor.cc}. Our
 * own, since what DJL's library hands back is in Java's modified UTF-8, which has no characters of four bytes.
 */
final class PieceDecoder {
    private static final int NO_BYTE = -1;

    /** What a piece adds to a text; empty for control pieces. */
    private final String[] texts;
    /** The value of a byte's piece, or {@link #NO_BYTE}. */
    private final short[] bytes;

    private final int unknown;
    private final boolean dropFirstSpace;
    private final boolean dropAllFirstSpaces;

    PieceDecoder(SentencePieceModel model) {
        int size = model.pieces().size();
        texts = new String[size];
        bytes = new short[size];
        for (int id = 0; id < size; id++) {
            Piece piece = model.pieces().get(id);
            bytes[id] = NO_BYTE;
            switch (piece.type()) {
                case NORMAL, USER_DEFINED, UNUSED -> texts[id] = piece.text().replace(TextNormalizer.SPACE_MARK, ' ');
                case UNKNOWN -> texts[id] = model.trainer().unknownSurface();
                case CONTROL -> texts[id] = "";
                case BYTE -> bytes[id] = Short.parseShort(piece.text().substring(3, 5), 16);
            }
        }
        dropAllFirstSpaces = model.normalizer().removeExtraWhitespaces();
        dropFirstSpace = model.normalizer().addDummyPrefix() || dropAllFirstSpaces;
        unknown = model.trainer().unknownId();
    }

    /** The text of {@code ids} from {@code from} to before {@code to}; ids that are no pieces are left out. */
    String decode(int[] ids, int from, int to) {
        StringBuilder text = new StringBuilder();
        boolean spaceDropped = false;
        for (int at = from; at < to; at++) {
            int id = ids[at];
            if (id < 0 || id >= texts.length) {
                continue;
            }
            if (bytes[id] != NO_BYTE) {
                at = appendBytes(ids, at, to, text) - 1;
                continue;
            }
            String piece = texts[id];
            boolean atStart = text.isEmpty() && !spaceDropped;
            if (atStart && dropFirstSpace && id != unknown && piece.startsWith(" ")) {
                text.append(piece, 1, piece.length());
                spaceDropped = !dropAllFirstSpaces;
            } else {
                text.append(piece);
            }
        }
        return text.toString();
    }

    /** Appends the characters of a run of bytes, U+FFFD for each that is part of none, and returns where the run ends. */
    private int appendBytes(int[] ids, int from, int to, StringBuilder text) {
        int end = from;
        while (end < to && ids[end] >= 0 && ids[end] < bytes.length && bytes[ids[end]] != NO_BYTE) {
            end++;
        }
        byte[] run = new byte[end - from];
        for (int i = 0; i < run.length; i++) {
            run[i] = (byte) bytes[ids[from + i]];
        }
        for (int at = 0; at < run.length; ) {
            int length = Utf8.validLength(run, at);
            if (length == 0) {
                text.append('\uFFFD');
                at++;
            } else {
                text.append(new String(run, at, length, StandardCharsets.UTF_8));
                at += length;
            }
        }
        return end;
    }
}
