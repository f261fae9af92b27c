package dev.sparkswitch.collective;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import java.nio.ByteBuffer;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Exchanges of tensors in host memory. */
class HostTensorCollectivesTest {
    private static final RankGroup BOTH = RankGroup.world(2);

    private static float[] floats(Engine engine, Tensor tensor) {
        ByteBuffer bytes = Ranks.direct((int) tensor.size() * Float.BYTES);
        engine.download(tensor, bytes);
        float[] values = new float[(int) tensor.size()];
        bytes.asFloatBuffer().get(values);
        return values;
    }

    @Test
    void whoStartsAnExchangeGoesOnWhileItWaitsForTheOthers() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        Ranks.run(InProcessCollectives.world(2), host -> {
            try (Engine engine = new Nd4jEngine(Precision.FLOAT32, 1);
                    Collectives collectives = new HostTensorCollectives(host);
                    Tensor sum = engine.allocate(DType.FLOAT32, 3);
                    Tensor sent = engine.allocate(DType.FLOAT32, 2);
                    Tensor received = engine.allocate(DType.FLOAT32, 2)) {
                engine.fill(sum, host.rank() + 1);
                engine.fill(sent, host.rank() + 5);
                if (host.rank() == 1) {
                    started.await();
                }
                Exchange first = collectives.startAllReduceSum(sum, BOTH);
                Exchange second = collectives.startAllToAll(sent, received, BOTH);
                started.countDown();
                second.await();
                first.await();
                assertThat(floats(engine, sum)).containsExactly(3, 3, 3);
                assertThat(floats(engine, received)).containsExactly(5, 6);
            }
        });
    }

    @Test
    void aViewOfColumnsHasARowForEachRank() throws Exception {
        Ranks.run(InProcessCollectives.world(2), host -> {
            try (Engine engine = new Nd4jEngine(Precision.FLOAT32, 1);
                    Collectives collectives = new HostTensorCollectives(host);
                    Tensor sent = engine.allocate(DType.FLOAT32, 2, 3);
                    Tensor received = engine.allocate(DType.FLOAT32, 2, 3)) {
                ByteBuffer numbers = Ranks.direct(6 * Float.BYTES);
                for (int i = 0; i < 6; i++) {
                    numbers.putFloat(i * Float.BYTES, 10 * host.rank() + i);
                }
                engine.upload(sent, numbers);
                engine.fill(received, -1);
                collectives
                        .startAllToAll(sent.columns(0, 2), received.columns(1, 3), BOTH)
                        .await();
                int own = 3 * host.rank();
                assertThat(floats(engine, received)).containsExactly(-1, own, own + 1, -1, 10 + own, 11 + own);
            }
        });
    }

    @Test
    void rowsThatLieApartTravelBetweenWhereTheyLie() throws Exception {
        Ranks.run(NettyWorlds.open(2, NettyWorlds.options()), host -> {
            try (host;
                    Engine engine = new Nd4jEngine(Precision.FLOAT32, 1);
                    Collectives collectives = new HostTensorCollectives(host);
                    Tensor byRank = engine.allocate(DType.FLOAT32, 2, 6);
                    Tensor byExpert = engine.allocate(DType.FLOAT32, 3, 2, 2);
                    Tensor back = engine.allocate(DType.FLOAT32, 2, 6)) {
                ByteBuffer numbers = Ranks.direct(12 * Float.BYTES);
                for (int i = 0; i < 12; i++) {
                    numbers.putFloat(i * Float.BYTES, 100 * host.rank() + i);
                }
                engine.upload(byRank, numbers);
                assertThat(collectives.takesRowsApart(BOTH)).isTrue();
                collectives.startAllToAll(byRank, byExpert, BOTH).await();
                int own = 6 * host.rank();
                assertThat(floats(engine, byExpert))
                        .containsExactly(
                                own, own + 1, 100 + own, 101 + own, own + 2, own + 3, 102 + own, 103 + own, own + 4,
                                own + 5, 104 + own, 105 + own);
                collectives.startAllToAll(byExpert, back, BOTH).await();
                assertThat(floats(engine, back)).isEqualTo(floats(engine, byRank));
            }
        });
    }

    @Test
    void aFailureOfAnotherRankIsToldToWhoAwaits() throws Exception {
        Throwable found = Ranks.failures(InProcessCollectives.world(2), host -> {
                    try (Engine engine = new Nd4jEngine(Precision.FLOAT32, 1);
                            Collectives collectives = new HostTensorCollectives(host);
                            Tensor sum = engine.allocate(DType.FLOAT32, 3)) {
                        if (host.rank() == 1) {
                            host.abort(new IllegalStateException("out of ideas"));
                            return;
                        }
                        collectives.allReduceSum(sum, BOTH);
                    }
                })
                .get(0);
        assertThat(found)
                .isInstanceOf(CollectiveException.class)
                .hasMessageContaining("rank 1")
                .hasMessageContaining("out of ideas");
    }
}
