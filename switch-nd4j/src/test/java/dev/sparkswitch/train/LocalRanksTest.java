package dev.sparkswitch.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.collective.CollectiveException;
import dev.sparkswitch.collective.NettyCollectives;
import dev.sparkswitch.collective.NettyOptions;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.train.RankOutcome.Failure;
import dev.sparkswitch.train.RankOutcome.Success;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LocalRanksTest {
    private static final NettyOptions LOOPBACK = NettyOptions.defaults().withHost("127.0.0.1");

    @Test
    void ranksMeetAndSumOverTheNetwork() {
        List<Long> steps = new ArrayList<>();
        List<RankOutcome<Double>> outcomes = LocalRanks.run(
                3,
                0,
                context -> {
                    assertThat(context.allGather("I am " + context.rank()))
                            .containsExactly("I am 0", "I am 1", "I am 2");
                    context.report(new TrainingStatus(context.rank(), 3, 1, Double.NaN, 0, 0));
                    try (NettyCollectives collectives = NettyCollectives.connect(context, LOOPBACK)) {
                        ByteBuffer data = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
                        data.putDouble(0, 1 << context.rank());
                        collectives.allReduceSum(data, DType.FLOAT64, RankGroup.world(3));
                        return data.getDouble(0);
                    }
                },
                status -> steps.add(status.step()));
        assertThat(outcomes).containsExactly(new Success<>(0, 7.0), new Success<>(1, 7.0), new Success<>(2, 7.0));
        assertThat(steps).containsExactlyInAnyOrder(0L, 1L, 2L);
    }

    @Test
    void aRankThatFailsBeforeTheyMeetIsTheRootCause() {
        List<RankOutcome<String>> outcomes = LocalRanks.run(
                2,
                0,
                context -> {
                    if (context.rank() == 1) {
                        throw new UserException("no such vocabulary");
                    }
                    context.allGather("hello");
                    return "met";
                },
                status -> {});
        assertThat(outcomes.get(0)).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.consequence()).isTrue();
            assertThat(failure.failedRank()).isEqualTo(1);
        });
        assertThat(RankOutcome.rootCause(outcomes)).hasValueSatisfying(root -> {
            assertThat(root.rank()).isEqualTo(1);
            assertThat(root.kind()).isEqualTo(FailureKind.USER);
            assertThat(root.message()).isEqualTo("no such vocabulary");
            assertThat(root.stack()).contains("UserException");
        });
    }

    @Test
    void aDefectIsInternalAndALostPeerIsAResource() {
        assertThat(RankOutcome.failure(0, new IllegalStateException("oops")).kind())
                .isEqualTo(FailureKind.INTERNAL);
        Failure<String> lost = RankOutcome.failure(
                0, new IllegalStateException(new CollectiveException(1, "rank 1 is lost to rank 0", null)));
        assertThat(lost.kind()).isEqualTo(FailureKind.RESOURCE);
        assertThat(lost.consequence()).isTrue();
        assertThat(RankOutcome.failure(0, new OutOfMemoryError("heap")).kind()).isEqualTo(FailureKind.RESOURCE);
    }
}
