package dev.sparkswitch.tokenizer;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.WireFormat;
import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.UserException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The content of a SentencePiece model file that SparkSwitch reads and writes: a protocol buffer of SentencePiece's
 * {@code sentencepiece_model.proto}, whose field numbers stand below.
 *
 * @param pieces in order of their ids
 * @param trainer how it was trained
 * @param normalizer how text is normalized before it is cut
 * @param denormalizes whether decoded text passes through rules of its own (denormalization_rule_tsv)
 */
public record SentencePieceModel(List<Piece> pieces, Trainer trainer, Normalizer normalizer, boolean denormalizes) {
    /** Pieces that every model of ours begins with: {@code <pad>}, {@code </s>}, {@code <unk>}. */
    static final int META_PIECES = 3;

    private static final int PAD_ID = 0;
    private static final int EOS_ID = 1;
    private static final int UNKNOWN_ID = 2;
    private static final int NO_ID = -1;
    /** SentencePiece's default. */
    private static final String UNKNOWN_SURFACE = " \u2047 ";
    /** Longer than any real piece or normalizer; a length beyond it is damage, not data. */
    private static final int MAX_MESSAGE = 256 << 20;

    public SentencePieceModel {
        pieces = List.copyOf(pieces);
    }

    /** What a piece is for; the numbers are those of the file. */
    public enum PieceType {
        NORMAL(1),
        UNKNOWN(2),
        CONTROL(3),
        USER_DEFINED(4),
        UNUSED(5),
        BYTE(6);

        private final int number;

        PieceType(int number) {
            this.number = number;
        }

        static PieceType of(int number) {
            for (PieceType type : values()) {
                if (type.number == number) {
                    return type;
                }
            }
            throw new UserException("The vocabulary holds a piece of the unknown type " + number
                    + "; give a model file of SentencePiece 0.2 or older.");
        }
    }

    /** @param score the logarithm of its probability (nats); 0 for all but normal pieces */
    public record Piece(String text, float score, PieceType type) {}

    /** How pieces are chosen; the numbers are those of the file. */
    public enum ModelType {
        /** The segmentation of the highest probability. */
        UNIGRAM(1),
        /** Pairs merged in the order of training (byte pair encoding, Sennrich et al. 2016). */
        BPE(2),
        WORD(3),
        CHAR(4);

        private final int number;

        ModelType(int number) {
            this.number = number;
        }

        static ModelType of(int number) {
            for (ModelType type : values()) {
                if (type.number == number) {
                    return type;
                }
            }
            throw new UserException("The vocabulary is a model of the unknown type " + number
                    + "; give a unigram or BPE model of SentencePiece.");
        }
    }

    /**
     * @param byteFallback whether characters without a piece are written as pieces of their bytes
     * @param spaceAsSuffix whether the mark of a space ends a word instead of beginning it
     * @param unknownId the ids here and below are -1 where there is no such piece
     * @param unknownSurface what the unknown piece is decoded to
     */
    public record Trainer(
            ModelType type,
            int vocabularySize,
            boolean byteFallback,
            boolean spaceAsSuffix,
            int unknownId,
            int bosId,
            int eosId,
            int padId,
            String unknownSurface) {}

    /** @param characterMap SentencePiece's {@code precompiled_charsmap} */
    public record Normalizer(
            String name,
            byte[] characterMap,
            boolean addDummyPrefix,
            boolean removeExtraWhitespaces,
            boolean escapeWhitespaces) {}

    /**
     * A new model: {@code <pad>}, {@code </s>}, {@code <unk>}, the user symbols, the bytes if they are asked for, and
     * the pieces that training found.
     */
    static SentencePieceModel trained(
            ModelType type, List<UnigramModel.Piece> normal, TrainerOptions options, byte[] characterMap) {
        List<Piece> pieces = new ArrayList<>();
        pieces.add(new Piece("<pad>", 0, PieceType.CONTROL));
        pieces.add(new Piece("</s>", 0, PieceType.CONTROL));
        pieces.add(new Piece("<unk>", 0, PieceType.UNKNOWN));
        options.userSymbols().forEach(symbol -> pieces.add(new Piece(symbol, 0, PieceType.USER_DEFINED)));
        if (options.byteFallback()) {
            for (int value = 0; value < TrainerOptions.BYTES; value++) {
                pieces.add(new Piece(String.format(Locale.ROOT, "<0x%02X>", value), 0, PieceType.BYTE));
            }
        }
        normal.forEach(piece -> pieces.add(new Piece(piece.text(), (float) piece.score(), PieceType.NORMAL)));
        return new SentencePieceModel(
                pieces,
                new Trainer(
                        type,
                        pieces.size(),
                        options.byteFallback(),
                        false,
                        UNKNOWN_ID,
                        NO_ID,
                        EOS_ID,
                        PAD_ID,
                        UNKNOWN_SURFACE),
                new Normalizer("nmt_nfkc", characterMap, true, true, true),
                false);
    }

    /**
     * @param bytes a model file
     * @throws UserException if they are none
     */
    public static SentencePieceModel parse(byte[] bytes) {
        CodedInputStream in = CodedInputStream.newInstance(bytes);
        in.setSizeLimit(MAX_MESSAGE);
        List<Piece> pieces = new ArrayList<>();
        // The defaults of the format, for fields that a file leaves out.
        Trainer trainer = new Trainer(ModelType.UNIGRAM, 8000, false, false, 0, 1, 2, NO_ID, UNKNOWN_SURFACE);
        Normalizer plain = new Normalizer("", new byte[0], true, true, true);
        Normalizer normalizer = plain;
        boolean denormalizes = false;
        try {
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                switch (WireFormat.getTagFieldNumber(tag)) {
                    case 1 -> pieces.add(readPiece(in.readBytes().newCodedInput()));
                    case 2 -> trainer = readTrainer(in.readBytes().newCodedInput(), trainer);
                    case 3 -> normalizer = readNormalizer(in.readBytes().newCodedInput(), normalizer);
                    case 5 ->
                        denormalizes = readNormalizer(in.readBytes().newCodedInput(), plain)
                                        .characterMap()
                                        .length
                                > 0;
                    default -> in.skipField(tag);
                }
            }
        } catch (IOException e) {
            throw new UserException(
                    "The vocabulary is no SentencePiece model (" + e.getMessage() + "); run vocab again.", e);
        }
        if (pieces.isEmpty()) {
            throw new UserException("The vocabulary holds no pieces; run vocab again.");
        }
        return new SentencePieceModel(pieces, trainer, normalizer, denormalizes);
    }

    private static Piece readPiece(CodedInputStream in) throws IOException {
        String text = "";
        float score = 0;
        PieceType type = PieceType.NORMAL;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> text = in.readBytes().toString(StandardCharsets.UTF_8);
                case 2 -> score = in.readFloat();
                case 3 -> type = PieceType.of(in.readEnum());
                default -> in.skipField(tag);
            }
        }
        return new Piece(text, score, type);
    }

    private static Trainer readTrainer(CodedInputStream in, Trainer defaults) throws IOException {
        ModelType type = defaults.type();
        int vocabularySize = defaults.vocabularySize();
        boolean byteFallback = defaults.byteFallback();
        boolean spaceAsSuffix = defaults.spaceAsSuffix();
        int unknownId = defaults.unknownId();
        int bosId = defaults.bosId();
        int eosId = defaults.eosId();
        int padId = defaults.padId();
        String unknownSurface = defaults.unknownSurface();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 3 -> type = ModelType.of(in.readEnum());
                case 4 -> vocabularySize = in.readInt32();
                case 24 -> spaceAsSuffix = in.readBool();
                case 35 -> byteFallback = in.readBool();
                case 40 -> unknownId = in.readInt32();
                case 41 -> bosId = in.readInt32();
                case 42 -> eosId = in.readInt32();
                case 43 -> padId = in.readInt32();
                case 44 -> unknownSurface = in.readStringRequireUtf8();
                default -> in.skipField(tag);
            }
        }
        return new Trainer(
                type, vocabularySize, byteFallback, spaceAsSuffix, unknownId, bosId, eosId, padId, unknownSurface);
    }

    private static Normalizer readNormalizer(CodedInputStream in, Normalizer defaults) throws IOException {
        String name = defaults.name();
        byte[] characterMap = defaults.characterMap();
        boolean addDummyPrefix = defaults.addDummyPrefix();
        boolean removeExtraWhitespaces = defaults.removeExtraWhitespaces();
        boolean escapeWhitespaces = defaults.escapeWhitespaces();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> name = in.readStringRequireUtf8();
                case 2 -> characterMap = in.readByteArray();
                case 3 -> addDummyPrefix = in.readBool();
                case 4 -> removeExtraWhitespaces = in.readBool();
                case 5 -> escapeWhitespaces = in.readBool();
                default -> in.skipField(tag);
            }
        }
        return new Normalizer(name, characterMap, addDummyPrefix, removeExtraWhitespaces, escapeWhitespaces);
    }

    /** The model file. */
    public byte[] toBytes() {
        return message(out -> {
            for (Piece piece : pieces) {
                out.writeByteArray(1, message(field -> write(piece, field)));
            }
            out.writeByteArray(2, message(this::writeTrainer));
            out.writeByteArray(3, message(this::writeNormalizer));
        });
    }

    private static void write(Piece piece, CodedOutputStream out) throws IOException {
        out.writeBytes(1, ByteString.copyFromUtf8(piece.text()));
        out.writeFloat(2, piece.score());
        out.writeEnum(3, piece.type().number);
    }

    private void writeTrainer(CodedOutputStream out) throws IOException {
        out.writeEnum(3, trainer.type().number);
        out.writeInt32(4, trainer.vocabularySize());
        out.writeBool(24, trainer.spaceAsSuffix());
        out.writeBool(35, trainer.byteFallback());
        out.writeInt32(40, trainer.unknownId());
        out.writeInt32(41, trainer.bosId());
        out.writeInt32(42, trainer.eosId());
        out.writeInt32(43, trainer.padId());
        out.writeString(44, trainer.unknownSurface());
    }

    private void writeNormalizer(CodedOutputStream out) throws IOException {
        out.writeString(1, normalizer.name());
        out.writeByteArray(2, normalizer.characterMap());
        out.writeBool(3, normalizer.addDummyPrefix());
        out.writeBool(4, normalizer.removeExtraWhitespaces());
        out.writeBool(5, normalizer.escapeWhitespaces());
    }

    private interface Fields {
        void write(CodedOutputStream out) throws IOException;
    }

    private static byte[] message(Fields fields) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        try {
            fields.write(out);
            out.flush();
        } catch (IOException e) {
            throw new InternalException("writing a vocabulary to memory failed: " + e.getMessage(), e);
        }
        return bytes.toByteArray();
    }
}
