package dev.sparkswitch.collective;

import dev.sparkswitch.collective.Handshake.Place;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection to every other rank. Each rank binds a port of the system's choice first and tells it to the others
 * afterwards, so that no port can be lost in between; then it calls every rank below it and is called by every one
 * above.
 */
final class Mesh implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Mesh.class);
    private static final WriteBufferWaterMark WATER_MARK = new WriteBufferWaterMark(512 << 10, 1 << 20);
    /** The most bytes of one read. */
    private static final int READ_BYTES = 512 << 10;

    /** What the system holds of what was sent to a socket in the file system, where it allows so much. */
    private static final int FILE_BUFFER_BYTES = 1 << 20;

    private static final int HANDSHAKE_SECONDS = 10;
    /** Connections that have not proved themselves yet, beyond one a rank, before more are turned away. */
    private static final int STRANGERS = 64;

    private final Place place;
    private final NettyOptions options;
    private final Handshake handshake;
    private final Optional<Tls.Contexts> tls;
    private final Fate fate;
    private final MultiThreadIoEventLoopGroup loops;
    private final AtomicInteger strangers = new AtomicInteger();
    private Listeners listeners;
    /** By rank; null for this one and for those that are not connected yet. Guarded by the fate's lock. */
    private final Peer[] peers;

    private Mesh(Rendezvous rendezvous, NettyOptions options) {
        this.place = new Place(rendezvous.attempt(), rendezvous.worldSize(), rendezvous.rank());
        this.options = options;
        this.handshake = new Handshake(rendezvous.secret());
        this.tls = options.tls().map(Tls::open);
        this.fate = new Fate(this::tellOthers);
        this.peers = new Peer[place.worldSize()];
        this.loops = new MultiThreadIoEventLoopGroup(
                options.ioThreads(),
                new DefaultThreadFactory("rank-" + place.rank() + "-network", true),
                NioIoHandler.newFactory());
    }

    /** Connects every rank to every other; all ranks call it at the same time. */
    static Mesh connect(Rendezvous rendezvous, NettyOptions options) {
        Mesh mesh = new Mesh(rendezvous, options);
        try {
            mesh.meet(rendezvous);
            return mesh;
        } catch (RuntimeException | Error e) {
            mesh.fate.fail(Failures.ofRank(mesh.place.rank(), e));
            mesh.close();
            throw e;
        }
    }

    /** The first failure that this rank has learned of. */
    Optional<CollectiveException> failure() {
        return Optional.ofNullable(fate.failure());
    }

    private void meet(Rendezvous rendezvous) {
        String host = LocalAddress.of(options.host().or(rendezvous::host));
        listeners = listen(host);
        RankAddress own = new RankAddress(host, listeners.port(), listeners.file());
        List<String> addresses = rendezvous.allGather(own.toString());
        if (addresses.size() != place.worldSize()) {
            throw new IllegalStateException(addresses.size() + " addresses for " + place.worldSize() + " ranks");
        }
        long deadline = System.nanoTime() + options.connectTimeout().toNanos();
        for (int peer = 0; peer < place.rank(); peer++) {
            call(peer, RankAddress.parse(addresses.get(peer)), host);
        }
        awaitAll(deadline);
        listeners.close();
    }

    private ChannelInitializer<Channel> answering() {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                configure(channel);
                tls.ifPresent(contexts -> channel.pipeline().addLast(contexts.forAnswerer(channel)));
                answer(channel);
            }
        };
    }

    private Listeners listen(String host) {
        try {
            return Listeners.open(loops, host, options.usesSocketFiles(), answering());
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Exception e) {
            throw new CollectiveException(
                    place.rank(),
                    "rank " + place.rank() + " cannot listen at " + host + ": " + e.getMessage()
                            + "; set the host to an address of this machine",
                    e);
        }
    }

    /** Options for both ends. */
    private static void configure(Channel channel) {
        if (channel instanceof SocketChannel tcp) {
            tcp.config().setTcpNoDelay(true).setKeepAlive(true).setAllowHalfClosure(true);
        } else {
            // TCP's grows by itself; a small one wakes both ends for every few pages.
            channel.config().setOption(ChannelOption.SO_SNDBUF, FILE_BUFFER_BYTES);
        }
        channel.config()
                .setAutoClose(false)
                .setAllocator(PooledByteBufAllocator.DEFAULT)
                .setRecvByteBufAllocator(new AdaptiveRecvByteBufAllocator(512, 64 << 10, READ_BYTES))
                .setWriteBufferWaterMark(WATER_MARK);
    }

    private void answer(Channel channel) {
        if (strangers.incrementAndGet() > place.worldSize() + STRANGERS) {
            strangers.decrementAndGet();
            channel.close();
            return;
        }
        HandshakeHandlers.Listener listener = new HandshakeHandlers.Listener() {
            @Override
            public boolean admit(ChannelHandlerContext context, int peer) {
                return Mesh.this.admit(context, peer);
            }

            @Override
            public void refused(ChannelHandlerContext context, String reason) {
                LOG.warn(
                        "rank {} turned away a connection from {}: {}",
                        place.rank(),
                        context.channel().remoteAddress(),
                        reason);
            }
        };
        HandshakeHandlers.Answerer answerer = new HandshakeHandlers.Answerer(handshake, place, listener);
        channel.pipeline().addLast(answerer);
        channel.eventLoop()
                .schedule(
                        () -> {
                            strangers.decrementAndGet();
                            if (channel.pipeline().context(answerer) != null) {
                                channel.close();
                            }
                        },
                        HANDSHAKE_SECONDS,
                        TimeUnit.SECONDS);
    }

    private void call(int peer, RankAddress address, String ownHost) {
        Runnable byTcp = () -> call(
                peer,
                address,
                NioSocketChannel.class,
                InetSocketAddress.createUnresolved(address.host(), address.port()),
                cause -> unreachable(peer, address, String.valueOf(cause.getMessage()), cause));
        Optional<SocketAddress> near = options.usesSocketFiles() ? SocketFile.near(address, ownHost) : Optional.empty();
        near.ifPresentOrElse(
                file -> call(peer, address, NioDomainSocketChannel.class, file, cause -> byTcp.run()), byTcp);
    }

    private void call(
            int peer,
            RankAddress address,
            Class<? extends Channel> kind,
            SocketAddress where,
            Consumer<Throwable> failed) {
        HandshakeHandlers.Listener listener = new HandshakeHandlers.Listener() {
            @Override
            public boolean admit(ChannelHandlerContext context, int rank) {
                return Mesh.this.admit(context, rank);
            }

            @Override
            public void refused(ChannelHandlerContext context, String reason) {
                unreachable(peer, address, reason, null);
            }
        };
        new Bootstrap()
                .group(loops)
                .channel(kind)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int)
                        options.connectTimeout().toMillis())
                .handler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        configure(channel);
                        tls.ifPresent(contexts -> channel.pipeline().addLast(contexts.forCaller(channel)));
                        channel.pipeline().addLast(new HandshakeHandlers.Caller(handshake, place, peer, listener));
                    }
                })
                .connect(where)
                .addListener(done -> {
                    if (!done.isSuccess()) {
                        failed.accept(done.cause());
                    }
                });
    }

    private void unreachable(int peer, RankAddress address, String reason, Throwable cause) {
        fate.fail(new CollectiveException(
                peer,
                "rank " + place.rank() + " cannot reach rank " + peer + " at " + address + ": " + reason
                        + "; the executors must reach one another on every port",
                cause));
    }

    /** Makes the channel the connection to {@code rank}, unless it has one already; on the channel's event loop. */
    private boolean admit(ChannelHandlerContext context, int rank) {
        fate.lock();
        try {
            if (peers[rank] != null || fate.over()) {
                return false;
            }
            Peer peer = new Peer(place.rank(), rank, place.worldSize(), context.channel(), fate, options.causeWait());
            context.pipeline().addAfter(context.name(), "frames", peer);
            peers[rank] = peer;
            fate.wake();
            return true;
        } finally {
            fate.unlock();
        }
    }

    private void awaitAll(long deadline) {
        fate.lock();
        try {
            while (true) {
                fate.check();
                List<Integer> missing = missing();
                if (missing.isEmpty()) {
                    return;
                }
                if (!fate.await(deadline)) {
                    throw new CollectiveException(
                            -1,
                            "rank " + place.rank() + " has no connection with ranks " + missing + " after "
                                    + options.connectTimeout().toSeconds()
                                    + " s; the executors must reach one another on every port",
                            null);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CollectiveException(
                    place.rank(), "rank " + place.rank() + " was interrupted while it connected", e);
        } finally {
            fate.unlock();
        }
    }

    private List<Integer> missing() {
        List<Integer> missing = new ArrayList<>();
        for (int rank = 0; rank < peers.length; rank++) {
            if (rank != place.rank() && peers[rank] == null) {
                missing.add(rank);
            }
        }
        return missing;
    }

    private List<Peer> connected() {
        fate.lock();
        try {
            List<Peer> connected = new ArrayList<>();
            for (Peer peer : peers) {
                if (peer != null) {
                    connected.add(peer);
                }
            }
            return connected;
        } finally {
            fate.unlock();
        }
    }

    private void tellOthers(CollectiveException cause) {
        for (Peer peer : connected()) {
            peer.sendAbort(cause);
        }
    }

    Place place() {
        return place;
    }

    Fate fate() {
        return fate;
    }

    /** The connection with another rank. */
    Peer peer(int rank) {
        return peers[rank];
    }

    /** Waits until everything that was sent has left the caller's memory. */
    void awaitSent(Operation operation, long deadlineNanos) {
        fate.lock();
        try {
            while (!allSent()) {
                fate.check();
                if (!fate.await(deadlineNanos) && !allSent()) {
                    fate.fail(new CollectiveException(
                            -1, operation + " did not end in time: a rank does not take what is sent to it", null));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            fate.fail(new CollectiveException(
                    place.rank(), "rank " + place.rank() + " was interrupted in " + operation, e));
            fate.check();
        } finally {
            fate.unlock();
        }
    }

    /**
     * After a failure: returns once nothing reads the caller's memory any more, so that it may be freed. A peer that
     * does not take what is on its way is cut off after a moment.
     */
    void letGo() {
        if (!awaitQuietly(options.closeWait().toNanos(), this::allSent)) {
            for (Peer peer : connected()) {
                peer.close().awaitUninterruptibly();
            }
            awaitQuietly(Long.MAX_VALUE / 2, this::allSent);
        }
    }

    private boolean allSent() {
        for (Peer peer : peers) {
            if (peer != null && !peer.sent()) {
                return false;
            }
        }
        return true;
    }

    private boolean allEnded() {
        for (Peer peer : peers) {
            if (peer != null && !peer.ended()) {
                return false;
            }
        }
        return true;
    }

    /** Waits for {@code condition} without heeding interrupts, which stay set. */
    private boolean awaitQuietly(long nanos, BooleanSupplier condition) {
        boolean interrupted = false;
        long deadline = System.nanoTime() + nanos;
        fate.lock();
        try {
            while (!condition.getAsBoolean()) {
                try {
                    if (!fate.await(deadline)) {
                        return condition.getAsBoolean();
                    }
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            return true;
        } finally {
            fate.unlock();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Ends every connection; waits a moment for the others to do so, lest a reset overtakes the last words. */
    @Override
    public void close() {
        fate.close();
        for (Peer peer : connected()) {
            peer.sendGoodbye();
        }
        awaitQuietly(options.closeWait().toNanos(), this::allEnded);
        for (Peer peer : connected()) {
            peer.close().awaitUninterruptibly();
        }
        if (listeners != null) {
            listeners.close();
        }
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
}
