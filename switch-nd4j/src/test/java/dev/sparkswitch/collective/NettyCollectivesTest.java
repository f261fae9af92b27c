package dev.sparkswitch.collective;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.base.UserException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;

/** Ranks of one host. */
class NettyCollectivesTest extends HostCollectivesContract {
    @Override
    List<NettyCollectives> open(int size, Duration deadline) throws Exception {
        return NettyWorlds.open(size, NettyWorlds.options().withDeadline(deadline));
    }

    /** The failing rank closes at once, while the others still send to it: its last words must not be reset away. */
    @RepeatedTest(20)
    void theCauseArrivesWhateverIsUnderWay(RepetitionInfo repetition) throws Exception {
        int failing = repetition.getCurrentRepetition() % 3;
        RankGroup all = RankGroup.world(3);
        List<Throwable> failures = Ranks.failures(open(3, Duration.ofSeconds(20)), collectives -> {
            try (collectives) {
                ByteBuffer send = Ranks.direct(12 << 20);
                ByteBuffer receive = Ranks.direct(12 << 20);
                for (int round = 0; true; round++) {
                    if (collectives.rank() == failing && round == repetition.getCurrentRepetition() / 5) {
                        collectives.abort(new UserException("no more"));
                        return;
                    }
                    collectives.allToAll(send, receive, all);
                }
            }
        });
        for (int rank = 0; rank < 3; rank++) {
            if (rank == failing) {
                assertThat(failures.get(rank)).isNull();
            } else {
                assertThat(failures.get(rank)).hasMessage("rank " + failing + " failed: UserException: no more");
            }
        }
    }
}
