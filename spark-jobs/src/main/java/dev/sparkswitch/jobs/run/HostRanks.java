package dev.sparkswitch.jobs.run;

import dev.sparkswitch.cluster.RankLauncher;
import dev.sparkswitch.train.LocalRanks;
import dev.sparkswitch.train.RankBody;
import dev.sparkswitch.train.RankOutcome;
import dev.sparkswitch.train.TrainingStatus;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/** Ranks as threads of this process: as many as are asked for. */
final class HostRanks implements RankLauncher {
    @Override
    public int awaitRanks(int wanted, Duration wait) {
        return wanted;
    }

    @Override
    public String describe() {
        return "this process";
    }

    @Override
    public <R extends Serializable> List<RankOutcome<R>> run(
            int worldSize, int attempt, RankBody<R> body, Consumer<TrainingStatus> progress) {
        return LocalRanks.run(worldSize, attempt, body, progress);
    }
}
