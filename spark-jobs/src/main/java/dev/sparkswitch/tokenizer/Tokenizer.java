package dev.sparkswitch.tokenizer;

import ai.djl.sentencepiece.SpTokenizer;
import dev.sparkswitch.base.UserException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Text to ids and back with a SentencePiece model, T5's sentinels added above its pieces. Holds native memory: one
 * instance a thread or task, closed by it.
 */
public final class Tokenizer implements AutoCloseable {
    /** Sentinels that every vocabulary gets, as T5's. */
    public static final int SENTINELS = 100;
    /** Embedding tables are padded to a multiple of this, for matrix units. */
    private static final int ROW_MULTIPLE = 128;

    private final SpTokenizer processor;
    private final PieceDecoder decoder;
    private final String[] pieceTexts;
    private final String hash;
    private final int pieces;
    private final int padId;
    private final int eosId;
    private final int unknownId;

    /**
     * @param model a SentencePiece model file
     * @throws UserException if it is none, has no padding, end or unknown piece, or decodes in a way that ours does not
     */
    public Tokenizer(byte[] model) {
        SentencePieceModel parsed = SentencePieceModel.parse(model);
        this.hash = hash(model);
        this.pieces = parsed.pieces().size();
        this.padId = required(parsed.trainer().padId(), "<pad>");
        this.eosId = required(parsed.trainer().eosId(), "</s>");
        this.unknownId = required(parsed.trainer().unknownId(), "<unk>");
        refuse(
                parsed.trainer().spaceAsSuffix(),
                "ends its words with the mark of a space (treat_whitespace_as_suffix)");
        refuse(parsed.denormalizes(), "rewrites decoded text (denormalization_rule_tsv)");
        refuse(!parsed.normalizer().escapeWhitespaces(), "does not mark spaces (escape_whitespaces is false)");
        this.decoder = new PieceDecoder(parsed);
        this.pieceTexts =
                parsed.pieces().stream().map(SentencePieceModel.Piece::text).toArray(String[]::new);
        this.processor = new SpTokenizer(model);
    }

    private void refuse(boolean has, String feature) {
        if (has) {
            throw new UserException("The vocabulary " + hash + " " + feature
                    + ", which is not supported; give a model that was trained without.");
        }
    }

    private int required(int id, String piece) {
        if (id < 0 || id >= pieces) {
            throw new UserException("The vocabulary " + hash + " has no " + piece
                    + " piece; train it with pad, eos and unk ids, as the vocab command does.");
        }
        return id;
    }

    /** "sha256:" and the hash of a model file in hexadecimal digits. */
    public static String hash(byte[] model) {
        try {
            return "sha256:"
                    + HexFormat.of()
                            .formatHex(MessageDigest.getInstance("SHA-256").digest(model));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    /** Identifies the vocabulary: {@link #hash(byte[])} of its file. */
    public String hash() {
        return hash;
    }

    /** Pieces of the model, sentinels left out. */
    public int pieces() {
        return pieces;
    }

    /** Pieces and sentinels: ids are below this. */
    public int vocabularySize() {
        return pieces + SENTINELS;
    }

    /** Rows of an embedding table for this vocabulary: its size, rounded up to a multiple of 128. */
    public int embeddingRows() {
        return (vocabularySize() + ROW_MULTIPLE - 1) / ROW_MULTIPLE * ROW_MULTIPLE;
    }

    public int padId() {
        return padId;
    }

    public int eosId() {
        return eosId;
    }

    public int unknownId() {
        return unknownId;
    }

    /** The id of {@code <extra_id_n>}, 0 to 99: counted down from the top, as T5 does. */
    public int sentinel(int number) {
        return sentinel(number, vocabularySize());
    }

    static int sentinel(int number, int vocabularySize) {
        if (number < 0 || number >= SENTINELS) {
            throw new IllegalArgumentException("there is no <extra_id_" + number + ">, only 0 to " + (SENTINELS - 1));
        }
        return vocabularySize - 1 - number;
    }

    public boolean isSentinel(int id) {
        return id >= pieces && id < vocabularySize();
    }

    /** The ids of {@code text}, without an end. Sentinels are no text: what looks like one is cut into pieces. */
    public int[] encode(String text) {
        return text.isEmpty() ? new int[0] : processor.getProcessor().encode(text);
    }

    /** The pieces of {@code text}, as {@link #encode} cuts it; characters without a piece are the unknown one. */
    public String[] split(String text) {
        int[] ids = encode(text);
        String[] split = new String[ids.length];
        for (int i = 0; i < ids.length; i++) {
            split[i] = pieceTexts[ids[i]];
        }
        return split;
    }

    /** The text of {@code ids}; padding and ends vanish, sentinels are written as {@code <extra_id_n>}. */
    public String decode(int... ids) {
        StringBuilder text = new StringBuilder();
        int from = 0;
        for (int at = 0; at < ids.length; at++) {
            if (isSentinel(ids[at])) {
                append(text, decoder.decode(ids, from, at));
                append(text, "<extra_id_" + (vocabularySize() - 1 - ids[at]) + ">");
                from = at + 1;
            }
        }
        append(text, decoder.decode(ids, from, ids.length));
        return text.toString();
    }

    private static void append(StringBuilder text, String part) {
        if (!text.isEmpty() && !part.isEmpty()) {
            text.append(' ');
        }
        text.append(part);
    }

    @Override
    public void close() {
        processor.close();
    }
}
