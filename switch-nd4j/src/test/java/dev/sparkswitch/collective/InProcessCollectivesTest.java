package dev.sparkswitch.collective;

import java.time.Duration;
import java.util.List;

class InProcessCollectivesTest extends HostCollectivesContract {
    @Override
    List<InProcessCollectives> open(int size, Duration deadline) {
        return InProcessCollectives.world(size, deadline);
    }
}
