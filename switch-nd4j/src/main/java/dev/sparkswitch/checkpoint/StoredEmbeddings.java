package dev.sparkswitch.checkpoint;

import dev.sparkswitch.model.Embedding;
import dev.sparkswitch.model.HuggingFaceConfig.HeadTensor;
import dev.sparkswitch.model.ParameterNames;
import dev.sparkswitch.model.Stack;
import dev.sparkswitch.model.T5Config;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The embeddings and the head of a folder of Hugging Face's, which may hold one matrix under up to four names, or four
 * matrices. A stack reads the tensor of its own name and, where there is none, the shared one; names whose tensors are
 * equal are one parameter.
 */
final class StoredEmbeddings {
    private static final List<String> NAMES = List.of(
            ParameterNames.SHARED,
            ParameterNames.ownEmbedding(Stack.ENCODER),
            ParameterNames.ownEmbedding(Stack.DECODER),
            ParameterNames.HEAD);

    private final Optional<String> encoder;
    private final Optional<String> decoder;
    private final Optional<String> head;
    private final Optional<Embedding> embedding;
    private final HeadTensor headTensor;

    private StoredEmbeddings(TensorStore stored) {
        encoder = first(stored, ParameterNames.ownEmbedding(Stack.ENCODER), ParameterNames.SHARED);
        decoder = first(stored, ParameterNames.ownEmbedding(Stack.DECODER), ParameterNames.SHARED);
        head = first(stored, ParameterNames.HEAD);
        boolean known = encoder.isPresent() && decoder.isPresent();
        boolean differ = known && !same(stored, encoder.get(), decoder.get());
        embedding = known ? Optional.of(differ ? Embedding.PER_STACK : Embedding.SHARED) : Optional.empty();
        Optional<String> read = encoder.or(() -> decoder);
        if (head.isEmpty()) {
            headTensor = HeadTensor.SHARED;
        } else if (read.isEmpty()) {
            headTensor = HeadTensor.UNKNOWN;
        } else {
            headTensor = !differ && same(stored, head.get(), read.get()) ? HeadTensor.SHARED : HeadTensor.OWN;
        }
    }

    static StoredEmbeddings of(TensorStore stored) {
        return new StoredEmbeddings(stored);
    }

    /** Whether a tensor of that name is an embedding or the head. */
    boolean isOne(String name) {
        return NAMES.contains(name);
    }

    HeadTensor head() {
        return headTensor;
    }

    Optional<Embedding> embedding() {
        return embedding;
    }

    /** The stored names of the embeddings and the head that {@code config} calls for, as far as they are there. */
    SortedMap<String, String> homes(T5Config config) {
        SortedMap<String, String> homes = new TreeMap<>();
        switch (config.embedding()) {
            case SHARED ->
                encoder.or(() -> decoder)
                        .or(() -> config.head().tied() ? head : Optional.empty())
                        .ifPresent(home -> homes.put(ParameterNames.SHARED, home));
            case PER_STACK -> {
                encoder.ifPresent(home -> homes.put(ParameterNames.ownEmbedding(Stack.ENCODER), home));
                decoder.ifPresent(home -> homes.put(ParameterNames.ownEmbedding(Stack.DECODER), home));
            }
        }
        if (!config.head().tied()) {
            head.ifPresent(home -> homes.put(ParameterNames.HEAD, home));
        }
        return homes;
    }

    private static Optional<String> first(TensorStore stored, String... names) {
        return Arrays.stream(names).filter(stored.tensors()::containsKey).findFirst();
    }

    private static boolean same(TensorStore stored, String left, String right) {
        return Objects.equals(left, right) || Chunks.same(stored, stored.info(left), stored.info(right));
    }
}
