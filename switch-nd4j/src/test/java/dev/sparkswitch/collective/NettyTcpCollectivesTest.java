package dev.sparkswitch.collective;

import java.time.Duration;
import java.util.List;

/** The same between hosts. */
class NettyTcpCollectivesTest extends NettyCollectivesTest {
    @Override
    List<NettyCollectives> open(int size, Duration deadline) throws Exception {
        return NettyWorlds.open(
                size,
                NettyWorlds.options()
                        .withNeighbours(NettyOptions.Neighbours.TCP)
                        .withDeadline(deadline));
    }
}
