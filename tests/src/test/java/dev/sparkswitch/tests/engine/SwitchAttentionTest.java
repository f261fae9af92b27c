package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.AttentionForm;
import dev.sparkswitch.model.Decoding;
import dev.sparkswitch.model.Phase;
import dev.sparkswitch.model.RouterConfig;
import dev.sparkswitch.model.SwitchConfig;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Experts in self-attention; their gradients are {@link ModelGradientTest}'s. */
class SwitchAttentionTest {
    private static SwitchConfig config() {
        return TinyModel.sparse().attention(AttentionForm.SWITCH).build();
    }

    /** One position after the other, with cached keys and values, sees what the whole row at once sees. */
    @Test
    void writingTokenByTokenGivesTheLogitsOfTheWholeRow() {
        try (TinyModel tiny = new TinyModel(config());
                Tensor logits = tiny.model.logits(tiny.batch, Phase.GENERATE);
                Decoding decoding = new Decoding(tiny.model, tiny.batch, TinyModel.TARGETS)) {
            double[] whole = tiny.model.download(logits);
            int vocabulary = tiny.model.config().vocabularySize();
            for (int position = 0; position < TinyModel.TARGETS; position++) {
                int[] ids = new int[TinyModel.ROWS];
                for (int row = 0; row < TinyModel.ROWS; row++) {
                    ids[row] = position == 0
                            ? tiny.model.config().decoderStartId()
                            : tiny.host.targets()[row * TinyModel.TARGETS + position - 1];
                }
                try (Tensor next = decoding.step(ids)) {
                    double[] step = tiny.model.download(next);
                    for (int row = 0; row < TinyModel.ROWS; row++) {
                        int at = (row * TinyModel.TARGETS + position) * vocabulary;
                        assertThat(Arrays.copyOfRange(step, row * vocabulary, (row + 1) * vocabulary))
                                .containsExactly(Arrays.copyOfRange(whole, at, at + vocabulary), within(1e-9));
                    }
                }
            }
        }
    }

    /** With all experts alike and gates that add up to one, attention is the dense attention of these weights. */
    @Test
    void expertsThatAreAlikeAreOneDenseProjection() {
        SwitchConfig sparse = TinyModel.sparse().router(RouterConfig.topK(2)).build();
        try (TinyModel dense = new TinyModel(sparse);
                TinyModel experts = new TinyModel(
                        sparse.toBuilder().attention(AttentionForm.SWITCH).build())) {
            dense.model.parameters().all().forEach(parameter -> {
                String name = parameter.spec().name();
                if (name.matches("(en|de)coder\\.block\\.1\\.layer\\.0\\.SelfAttention\\.[qkvo]\\.weight")) {
                    for (int expert = 0; expert < 4; expert++) {
                        experts.set(
                                name.replace("SelfAttention.", "SelfAttention.experts.expert_" + expert + "."),
                                dense.value(name));
                    }
                } else {
                    experts.set(name, dense.value(name));
                }
            });
            assertThat(experts.train()).containsExactly(dense.train(), within(1e-10));
        }
    }

    @Test
    void everySparseBlockHasARouterForAttentionToo() {
        try (TinyModel tiny = new TinyModel(config())) {
            assertThat(tiny.model.sparseLayerNames())
                    .isEqualTo(List.of(
                            "encoder.block.1.layer.0.SelfAttention",
                            "encoder.block.1.layer.1.mlp",
                            "decoder.block.1.layer.0.SelfAttention",
                            "decoder.block.1.layer.2.mlp"));
            tiny.train();
            assertThat(tiny.model.takeRoutingStatistics()).hasSize(4).allSatisfy(statistics -> assertThat(statistics[2])
                    .isPositive());
        }
    }
}
