package dev.sparkswitch.collective;

import java.time.Duration;
import java.util.List;

class NettyCollectivesTest extends HostCollectivesContract {
    @Override
    List<NettyCollectives> open(int size, Duration deadline) throws Exception {
        return NettyWorlds.open(size, NettyWorlds.options().withDeadline(deadline));
    }
}
