package dev.sparkswitch.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Lengths, mask counts and corrupted examples against values that T5's own formulas gave. */
class SpanCorruptionGoldenTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int EOS = 1;

    private static JsonNode golden(String part) throws IOException {
        JsonNode cases = JSON.readTree(Fixtures.bytes("metrics/span_corruption_golden.json"))
                .get(part);
        assertThat(cases).isNotEmpty();
        return cases;
    }

    private static SpanCorruption corruption(JsonNode golden) {
        return new SpanCorruption(
                golden.get("noise_density").asDouble(),
                golden.get("mean_noise_span_length").asDouble());
    }

    @Test
    void lengthsAreGolden() throws IOException {
        for (JsonNode golden : golden("random_spans_helper")) {
            Objective.Lengths lengths =
                    corruption(golden).lengths(golden.get("inputs_length").asInt());
            assertThat(lengths.raw())
                    .as(golden.toString())
                    .isEqualTo(golden.get("tokens_length").asInt());
            assertThat(lengths.targets())
                    .as(golden.toString())
                    .isEqualTo(golden.get("targets_length").asInt());
        }
        for (JsonNode golden : golden("official_unit_tests")) {
            JsonNode args = golden.get("args");
            Objective.Lengths lengths = new SpanCorruption(
                            args.get(1).asDouble(), args.get(2).asDouble())
                    .lengths(args.get(0).asInt());
            assertThat(new int[] {lengths.raw(), lengths.targets()})
                    .isEqualTo(JSON.convertValue(golden.get("out"), int[].class));
        }
    }

    @Test
    void maskCountsAreGolden() throws IOException {
        for (JsonNode golden : golden("mask_counts_float32_round_half_even")) {
            int length = golden.get("length").asInt();
            SpanCorruption.Counts counts = corruption(golden).counts(length);
            assertThat(counts)
                    .as(golden.toString())
                    .isEqualTo(new SpanCorruption.Counts(
                            golden.get("num_noise_tokens").asInt(),
                            golden.get("num_noise_spans").asInt(),
                            golden.get("num_nonnoise_tokens").asInt()));
            boolean[] mask = corruption(golden).mask(length, 11, new Objective.Place(0, 0, 0));
            if (length > 1) {
                int noise = 0;
                int spans = 0;
                for (int i = 0; i < length; i++) {
                    noise += mask[i] ? 1 : 0;
                    spans += mask[i] && !mask[i - 1] ? 1 : 0;
                }
                assertThat(noise).isEqualTo(counts.noise());
                assertThat(spans).isEqualTo(counts.spans());
            }
        }
    }

    @Test
    void corruptedExamplesAreGolden() throws IOException {
        for (JsonNode golden : golden("denoise_vectors")) {
            int[] tokens = JSON.convertValue(golden.get("tokens"), int[].class);
            int[] bits = JSON.convertValue(golden.get("mask"), int[].class);
            boolean[] mask = new boolean[bits.length];
            for (int i = 0; i < bits.length; i++) {
                mask[i] = bits[i] == 1;
            }
            Objective.Example example = SpanCorruption.corrupt(
                    tokens, mask, golden.get("vocab_size").asInt(), EOS);
            assertEnded(example.inputs(), JSON.convertValue(golden.get("inputs"), int[].class));
            assertEnded(example.targets(), JSON.convertValue(golden.get("targets"), int[].class));
        }
    }

    private static void assertEnded(int[] actual, int[] golden) {
        int[] ended = Arrays.copyOf(golden, golden.length + 1);
        ended[golden.length] = EOS;
        assertThat(actual).isEqualTo(ended);
    }
}
