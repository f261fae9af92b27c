package dev.sparkswitch.collective;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where a rank listens until all others are connected: a port of the system's choice, and a {@link SocketFile} beside it. */
final class Listeners implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Listeners.class);

    /** A socket file with who listens there. */
    private record Near(SocketFile place, Channel server) {}

    private final Channel server;
    private final Optional<Near> near;

    private Listeners(Channel server, Optional<Near> near) {
        this.server = server;
        this.near = near;
    }

    /**
     * Listens at {@code host}, and in a file where that is wanted and can be.
     *
     * @param answering makes the handlers of a connection
     * @throws Exception where it cannot listen at {@code host}
     */
    static Listeners open(EventLoopGroup loops, String host, boolean inFile, ChannelHandler answering)
            throws Exception {
        Channel server = listen(loops, NioServerSocketChannel.class, new InetSocketAddress(host, 0), answering);
        return new Listeners(
                server,
                inFile ? SocketFile.create().flatMap(place -> near(loops, place, answering)) : Optional.empty());
    }

    private static Optional<Near> near(EventLoopGroup loops, SocketFile place, ChannelHandler answering) {
        try {
            Channel server = listen(loops, NioServerDomainSocketChannel.class, place.address(), answering);
            return Optional.of(new Near(place, server));
        } catch (Exception e) {
            LOG.debug("no rank of this host can listen at {}", place.path(), e);
            place.close();
            return Optional.empty();
        }
    }

    private static Channel listen(
            EventLoopGroup loops, Class<? extends ServerChannel> kind, SocketAddress where, ChannelHandler answering)
            throws Exception {
        return new ServerBootstrap()
                .group(loops)
                .channel(kind)
                .childHandler(answering)
                .bind(where)
                .syncUninterruptibly()
                .channel();
    }

    int port() {
        return ((InetSocketAddress) server.localAddress()).getPort();
    }

    Optional<Path> file() {
        return near.map(listening -> listening.place().path());
    }

    /** Hears no more; what is connected stays. */
    @Override
    public void close() {
        server.close().awaitUninterruptibly();
        near.ifPresent(listening -> {
            listening.server().close().awaitUninterruptibly();
            listening.place().close();
        });
    }
}
