package dev.sparkswitch.tokenizer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.tokenizer.SentencePieceModel.ModelType;
import dev.sparkswitch.tokenizer.SentencePieceModel.Piece;
import dev.sparkswitch.tokenizer.SentencePieceModel.PieceType;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * A SentencePiece model as Hugging Face's tokenizers library reads it, with T5's sentinels as added tokens and {@code
 * </s>} after every text: {@code tokenizer.json}, and the {@code tokenizer_config.json} that transformers' {@code
 * AutoTokenizer} looks for.
 *
 * <p>What SentencePiece does before it cuts stands in the normalizer: its character map, one blank for several, none at
 * the ends, and the mark of the dummy prefix. Their library applies the map to clusters of characters and not to the
 * longest match, so rare sequences of combining characters come out otherwise; and what looks like a special token
 * ({@code </s>}, {@code <extra_id_0>}) is one there, as is with byte fallback what names a byte ({@code <0x41>}) where a
 * unigram model has no piece for its characters.
 */
public final class HuggingFaceTokenizer {
    /** The tokenizer. */
    public static final String TOKENIZER = "tokenizer.json";
    /** What transformers needs beside it. */
    public static final String CONFIG = "tokenizer_config.json";

    private static final String MARK = String.valueOf(TextNormalizer.SPACE_MARK);
    /** So far below the least score that no text is cut into the names of bytes. */
    private static final int BYTE_SCORE_FACTOR = 10;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final SentencePieceModel model;

    private HuggingFaceTokenizer(SentencePieceModel model) {
        this.model = model;
    }

    /** Why the model has no such files, in words that follow "the vocabulary"; empty if it has. */
    public static Optional<String> obstacle(SentencePieceModel model) {
        SentencePieceModel.Trainer trainer = model.trainer();
        if (trainer.type() != ModelType.UNIGRAM && trainer.type() != ModelType.BPE) {
            return Optional.of("is of the type " + trainer.type() + ", neither unigram nor BPE");
        }
        if (trainer.spaceAsSuffix()) {
            return Optional.of("ends its words with the mark of a space (treat_whitespace_as_suffix)");
        }
        if (!model.normalizer().escapeWhitespaces()) {
            return Optional.of("does not mark spaces (escape_whitespaces is false)");
        }
        if (model.pieces().stream().anyMatch(piece -> piece.type() == PieceType.UNUSED)) {
            return Optional.of("holds pieces of the type unused");
        }
        for (int id : new int[] {trainer.unknownId(), trainer.eosId(), trainer.padId()}) {
            if (id < 0 || id >= model.pieces().size()) {
                return Optional.of("lacks a padding, end or unknown piece");
            }
        }
        return Optional.empty();
    }

    /**
     * The files by their names.
     *
     * @throws IllegalArgumentException if there is an {@link #obstacle}
     */
    public static SortedMap<String, byte[]> files(SentencePieceModel model) {
        obstacle(model).ifPresent(why -> {
            throw new IllegalArgumentException("the vocabulary " + why);
        });
        HuggingFaceTokenizer tokenizer = new HuggingFaceTokenizer(model);
        SortedMap<String, byte[]> files = new TreeMap<>();
        files.put(TOKENIZER, bytes(tokenizer.tokenizer()));
        files.put(CONFIG, bytes(tokenizer.config()));
        return files;
    }

    private static byte[] bytes(ObjectNode json) {
        try {
            String text = JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n";
            return text.getBytes(StandardCharsets.UTF_8);
        } catch (JsonProcessingException e) {
            throw new InternalException("writing a tokenizer failed: " + e.getMessage(), e);
        }
    }

    private ObjectNode tokenizer() {
        ObjectNode json = JSON.createObjectNode();
        json.put("version", "1.0").putNull("truncation").putNull("padding");
        json.set("added_tokens", addedTokens());
        json.set("normalizer", normalizer());
        json.set("pre_tokenizer", preTokenizer());
        json.set("post_processor", postProcessor());
        json.set("decoder", decoder());
        json.set("model", model.trainer().type() == ModelType.UNIGRAM ? unigram() : bpe());
        return json;
    }

    private ArrayNode addedTokens() {
        ArrayNode tokens = JSON.createArrayNode();
        for (int id = 0; id < model.pieces().size(); id++) {
            PieceType type = model.pieces().get(id).type();
            if (type == PieceType.CONTROL || type == PieceType.UNKNOWN) {
                tokens.add(special(id, model.pieces().get(id).text()));
            }
        }
        int size = model.pieces().size() + Tokenizer.SENTINELS;
        for (int number = Tokenizer.SENTINELS - 1; number >= 0; number--) {
            tokens.add(special(Tokenizer.sentinel(number, size), sentinel(number)));
        }
        return tokens;
    }

    private static String sentinel(int number) {
        return "<extra_id_" + number + ">";
    }

    private static ObjectNode special(int id, String text) {
        return JSON.createObjectNode()
                .put("id", id)
                .put("content", text)
                .put("single_word", false)
                .put("lstrip", false)
                .put("rstrip", false)
                .put("normalized", false)
                .put("special", true);
    }

    private ObjectNode normalizer() {
        SentencePieceModel.Normalizer settings = model.normalizer();
        ObjectNode sequence = typed("Sequence");
        ArrayNode steps = sequence.putArray("normalizers");
        if (settings.characterMap().length > 0) {
            steps.add(typed("Precompiled").put("precompiled_charsmap", settings.characterMap()));
        }
        if (settings.removeExtraWhitespaces()) {
            // Their regular expressions are Oniguruma's, where ^ and $ stand at every line.
            steps.add(replace("\\A +| +\\z", ""));
            steps.add(replace(" +", MARK));
        } else {
            steps.add(replace(" ", MARK));
        }
        if (settings.addDummyPrefix()) {
            steps.add(typed("Prepend").put("prepend", MARK));
        }
        return sequence;
    }

    private static ObjectNode replace(String pattern, String content) {
        ObjectNode step = typed("Replace");
        step.putObject("pattern").put("Regex", pattern);
        return step.put("content", content);
    }

    private ObjectNode preTokenizer() {
        // A piece with a mark inside reaches over words.
        boolean split = model.pieces().stream()
                .noneMatch(piece ->
                        piece.type() == PieceType.NORMAL && piece.text().indexOf(TextNormalizer.SPACE_MARK, 1) > 0);
        ObjectNode words = typed("Metaspace")
                .put("replacement", MARK)
                .put("prepend_scheme", "never")
                .put("split", split);
        List<String> symbols = userSymbols();
        if (model.trainer().type() == ModelType.UNIGRAM || symbols.isEmpty()) {
            return words;
        }
        ObjectNode isolate = typed("Split").put("behavior", "Isolated").put("invert", false);
        isolate.putObject("pattern")
                .put(
                        "Regex",
                        String.join(
                                "|",
                                symbols.stream()
                                        .map(HuggingFaceTokenizer::quoted)
                                        .toList()));
        ObjectNode sequence = typed("Sequence");
        sequence.putArray("pretokenizers").add(isolate).add(words);
        return sequence;
    }

    /** The user symbols, those first that others begin. */
    private List<String> userSymbols() {
        return model.pieces().stream()
                .filter(piece -> piece.type() == PieceType.USER_DEFINED)
                .map(Piece::text)
                .sorted((left, right) -> Integer.compare(right.length(), left.length()))
                .toList();
    }

    private static String quoted(String text) {
        return Pattern.compile("[^\\p{L}\\p{N}]").matcher(text).replaceAll("\\\\$0");
    }

    private ObjectNode postProcessor() {
        Piece end = model.pieces().get(model.trainer().eosId());
        ObjectNode template = typed("TemplateProcessing");
        ArrayNode single = template.putArray("single");
        appendSequence(single, "A", end.text());
        ArrayNode pair = template.putArray("pair");
        appendSequence(pair, "A", end.text());
        appendSequence(pair, "B", end.text());
        ObjectNode token =
                template.putObject("special_tokens").putObject(end.text()).put("id", end.text());
        token.putArray("ids").add(model.trainer().eosId());
        token.putArray("tokens").add(end.text());
        return template;
    }

    private static void appendSequence(ArrayNode template, String sequence, String end) {
        template.addObject().putObject("Sequence").put("id", sequence).put("type_id", 0);
        template.addObject().putObject("SpecialToken").put("id", end).put("type_id", 0);
    }

    private ObjectNode decoder() {
        ObjectNode words = typed("Metaspace")
                .put("replacement", MARK)
                .put("prepend_scheme", model.normalizer().addDummyPrefix() ? "always" : "never")
                .put("split", true);
        if (!model.trainer().byteFallback()) {
            return words;
        }
        ObjectNode sequence = typed("Sequence");
        sequence.putArray("decoders").add(typed("ByteFallback")).add(words);
        return sequence;
    }

    /** Scores are written as SentencePiece takes them; those of user symbols are its {@code unigram_model.cc}'s. */
    private ObjectNode unigram() {
        double most = Double.NEGATIVE_INFINITY;
        double least = 0;
        for (Piece piece : model.pieces()) {
            if (piece.type() == PieceType.NORMAL) {
                most = Math.max(most, piece.score());
                least = Math.min(least, piece.score());
            }
        }
        ObjectNode json = typed("Unigram");
        json.put("unk_id", model.trainer().unknownId());
        ArrayNode vocabulary = json.putArray("vocab");
        for (Piece piece : model.pieces()) {
            int length = piece.text().getBytes(StandardCharsets.UTF_8).length;
            double score =
                    switch (piece.type()) {
                        case USER_DEFINED -> length * most - 0.1;
                        case BYTE -> BYTE_SCORE_FACTOR * least;
                        case NORMAL, UNKNOWN, CONTROL, UNUSED -> piece.score();
                    };
            vocabulary.addArray().add(piece.text()).add(score);
        }
        return json.put("byte_fallback", model.trainer().byteFallback());
    }

    private ObjectNode bpe() {
        ObjectNode json = typed("BPE");
        json.putNull("dropout")
                .put(
                        "unk_token",
                        model.pieces().get(model.trainer().unknownId()).text())
                .putNull("continuing_subword_prefix")
                .putNull("end_of_word_suffix")
                .put("fuse_unk", true)
                .put("byte_fallback", model.trainer().byteFallback())
                // What the pre-tokenizer sets apart, such as a user symbol, is taken whole where it is a piece.
                .put("ignore_merges", !userSymbols().isEmpty());
        ObjectNode vocabulary = json.putObject("vocab");
        for (int id = 0; id < model.pieces().size(); id++) {
            vocabulary.put(model.pieces().get(id).text(), id);
        }
        json.set("merges", merges());
        return json;
    }

    /** Every two pieces that make a third, in the order of the thirds' scores: SentencePiece merges by text alone. */
    private ArrayNode merges() {
        Map<String, Piece> normal = new HashMap<>();
        for (Piece piece : model.pieces()) {
            if (piece.type() == PieceType.NORMAL) {
                normal.put(piece.text(), piece);
            }
        }
        ArrayNode merges = JSON.createArrayNode();
        model.pieces().stream()
                .filter(piece -> piece.type() == PieceType.NORMAL)
                .sorted((left, right) -> Float.compare(right.score(), left.score()))
                .forEach(piece -> {
                    String text = piece.text();
                    for (int at = text.offsetByCodePoints(0, 1); at < text.length(); ) {
                        if (normal.containsKey(text.substring(0, at)) && normal.containsKey(text.substring(at))) {
                            merges.addArray().add(text.substring(0, at)).add(text.substring(at));
                        }
                        at = text.offsetByCodePoints(at, 1);
                    }
                });
        return merges;
    }

    private ObjectNode config() {
        List<Piece> pieces = model.pieces();
        ObjectNode json = JSON.createObjectNode();
        // The class that takes tokenizer.json as it is.
        json.put("tokenizer_class", "PreTrainedTokenizerFast");
        json.put("pad_token", pieces.get(model.trainer().padId()).text());
        json.put("eos_token", pieces.get(model.trainer().eosId()).text());
        json.put("unk_token", pieces.get(model.trainer().unknownId()).text());
        ArrayNode sentinels = json.putArray("additional_special_tokens");
        for (int number = 0; number < Tokenizer.SENTINELS; number++) {
            sentinels.add(sentinel(number));
        }
        json.put("clean_up_tokenization_spaces", false);
        json.putArray("model_input_names").add("input_ids").add("attention_mask");
        return json;
    }

    private static ObjectNode typed(String type) {
        return JSON.createObjectNode().put("type", type);
    }
}
