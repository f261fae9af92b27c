package dev.sparkswitch.collective;

import dev.sparkswitch.collective.Frames.MalformedFrameException;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.concurrent.TimeUnit;

/**
 * One other rank: what is on its way to it and what came from it. Sending never blocks: the event loop cuts frames as
 * the socket takes them, straight from the caller's memory. Receiving reads ahead up to a window, then stops reading,
 * and TCP holds the sender back.
 */
final class Peer extends ChannelInboundHandlerAdapter implements FrameDecoder.Sink {
    private static final long WINDOW_BYTES = 4L << 20;
    private static final int WINDOW_PIECES = 256;

    private final int self;
    private final int rank;
    private final Channel channel;
    private final Fate fate;
    private final Duration causeWait;
    private final FrameDecoder decoder;

    // Only by the caller of the collectives.
    private Piece current;

    // Only on the event loop.
    private final ArrayDeque<Outgoing> outbox = new ArrayDeque<>();
    private final BitSet namedGroups = new BitSet();
    private long sequence;
    private boolean deaf;

    // Guarded by the fate's lock.
    private final ArrayDeque<Piece> inbox = new ArrayDeque<>();
    private long inboxBytes;
    private boolean paused;
    private boolean left;
    private boolean inputEnded;
    private int unsent;

    /** A message on its way out; {@code group} is the number of its operation's group. */
    private record Outgoing(Operation operation, int group, ByteBuf payload) {}

    private record Piece(Operation operation, ByteBuf payload) {}

    Peer(int self, int rank, int worldSize, Channel channel, Fate fate, Duration causeWait) {
        this.self = self;
        this.rank = rank;
        this.channel = channel;
        this.fate = fate;
        this.causeWait = causeWait;
        this.decoder = new FrameDecoder(worldSize, this);
    }

    int rank() {
        return rank;
    }

    /**
     * Sends {@code payload}, whose reference passes to this peer, as a message of one frame or more. The memory must
     * stay as it is until {@link #sent}.
     */
    void send(Operation operation, int group, ByteBuf payload) {
        fate.lock();
        try {
            unsent++;
        } finally {
            fate.unlock();
        }
        Outgoing message = new Outgoing(operation, group, payload);
        channel.eventLoop().execute(() -> {
            outbox.add(message);
            drain();
        });
    }

    /** Whether nothing that was sent is still read from the caller's memory; with the fate's lock held. */
    boolean sent() {
        return unsent == 0;
    }

    /** Fills {@code into} with what this peer sent for {@code operation}; takes one empty frame for an empty one. */
    void receive(Operation operation, ByteBuffer into, long deadlineNanos) {
        do {
            if (current == null) {
                current = next(operation, deadlineNanos);
            }
            if (current.operation() != operation && !current.operation().equals(operation)) {
                String message = Operation.mismatch(self, operation, rank, current.operation());
                fate.fail(new CollectiveException(-1, message, null));
                fate.check();
            }
            ByteBuf payload = current.payload();
            int limit = into.limit();
            into.limit(into.position() + Math.min(payload.readableBytes(), into.remaining()));
            payload.readBytes(into);
            into.limit(limit);
            if (!payload.isReadable()) {
                payload.release();
                current = null;
            }
        } while (into.hasRemaining());
    }

    /** Takes the next piece out of the inbox, waiting for it if need be. */
    private Piece next(Operation operation, long deadlineNanos) {
        fate.lock();
        try {
            long leftNanos = Long.MAX_VALUE;
            while (true) {
                fate.check();
                Piece piece = inbox.poll();
                if (piece != null) {
                    inboxBytes -= piece.payload().readableBytes();
                    resume();
                    return piece;
                }
                long until = deadlineNanos;
                if (left) {
                    leftNanos = Math.min(leftNanos, System.nanoTime() + causeWait.toNanos());
                    until = Math.min(until, leftNanos);
                }
                if (!fate.await(until) && inbox.isEmpty()) {
                    fate.fail(
                            left && System.nanoTime() < deadlineNanos
                                    ? new CollectiveException(rank, gone(operation), null)
                                    : new CollectiveException(-1, late(operation), null));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            fate.fail(new CollectiveException(self, "rank " + self + " was interrupted in " + operation, e));
            throw Failures.again(fate.failure());
        } finally {
            fate.unlock();
        }
    }

    private String gone(Operation operation) {
        return "rank " + rank + " has left while rank " + self + " waited for it in " + operation;
    }

    private String late(Operation operation) {
        return operation + " did not end in time: rank " + self + " still waits for rank " + rank
                + ", which may itself wait for another";
    }

    /** Reads on once there is room; by the event loop, so that it comes after the pause that it ends. */
    private void resume() {
        if (paused && inboxBytes < WINDOW_BYTES / 2 && inbox.size() < WINDOW_PIECES / 2) {
            paused = false;
            channel.eventLoop().execute(() -> channel.config().setAutoRead(true));
        }
    }

    /** Drops what waits to be sent and tells the peer why nothing more comes. */
    void sendAbort(CollectiveException cause) {
        channel.eventLoop().execute(() -> {
            discardOutbox();
            deaf = true;
            discardInbox();
            channel.config().setAutoRead(true);
            if (channel.isActive()) {
                channel.writeAndFlush(Frames.abort(channel.alloc(), sequence++, cause));
            }
        });
    }

    /** Says goodbye after everything that was sent, and ends this side of the connection. */
    void sendGoodbye() {
        channel.eventLoop().execute(() -> {
            deaf = true;
            discardInbox();
            channel.config().setAutoRead(true);
            if (channel.isActive()) {
                channel.writeAndFlush(Frames.goodbye(channel.alloc(), sequence++))
                        .addListener(done -> {
                            if (channel instanceof DuplexChannel duplex) {
                                duplex.shutdownOutput();
                            }
                        });
            }
        });
    }

    /** Whether the peer's side of the connection has ended; with the fate's lock held. */
    boolean ended() {
        return inputEnded;
    }

    /** Closes the connection; no memory of the caller is read once the future is done. By the caller. */
    ChannelFuture close() {
        if (current != null) {
            current.payload().release();
            current = null;
        }
        return channel.close();
    }

    private void drain() {
        if (!channel.isActive() || fate.failure() != null) {
            discardOutbox();
            return;
        }
        boolean wrote = false;
        while (!outbox.isEmpty() && channel.isWritable()) {
            Outgoing message = outbox.peek();
            if (!namedGroups.get(message.group())) {
                namedGroups.set(message.group());
                channel.write(Frames.group(
                        channel.alloc(),
                        sequence++,
                        message.group(),
                        message.operation().group()));
            }
            int length = Math.min(Frames.DATA_BYTES, message.payload().readableBytes());
            channel.write(Frames.data(channel.alloc(), sequence++, message.operation(), message.group(), length));
            ChannelFuture written = channel.write(message.payload().readRetainedSlice(length));
            wrote = true;
            if (message.payload().isReadable()) {
                hold();
            } else {
                outbox.poll();
                message.payload().release();
            }
            written.addListener(done -> letGo());
        }
        if (wrote) {
            channel.flush();
        }
    }

    private void discardOutbox() {
        for (Outgoing message = outbox.poll(); message != null; message = outbox.poll()) {
            message.payload().release();
            letGo();
        }
    }

    private void hold() {
        fate.lock();
        try {
            unsent++;
        } finally {
            fate.unlock();
        }
    }

    private void letGo() {
        fate.lock();
        try {
            unsent--;
            if (unsent == 0) {
                fate.wake();
            }
        } finally {
            fate.unlock();
        }
    }

    private void discardInbox() {
        fate.lock();
        try {
            for (Piece piece = inbox.poll(); piece != null; piece = inbox.poll()) {
                piece.payload().release();
            }
            inboxBytes = 0;
            paused = false;
        } finally {
            fate.unlock();
        }
    }

    @Override
    public void piece(Operation operation, ByteBuf payload) {
        if (deaf) {
            payload.release();
            return;
        }
        boolean pause = false;
        fate.lock();
        try {
            inbox.add(new Piece(operation, payload));
            inboxBytes += payload.readableBytes();
            if (!paused && (inboxBytes > WINDOW_BYTES || inbox.size() > WINDOW_PIECES)) {
                paused = true;
                pause = true;
            }
            fate.wake();
        } finally {
            fate.unlock();
        }
        if (pause) {
            channel.config().setAutoRead(false);
        }
    }

    @Override
    public void abort(int failedRank, String message) {
        fate.fail(new CollectiveException(failedRank, message, null));
    }

    @Override
    public void goodbye() {
        fate.lock();
        try {
            left = true;
            fate.wake();
        } finally {
            fate.unlock();
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf in = (ByteBuf) message;
        try {
            decoder.decode(in);
        } catch (MalformedFrameException e) {
            fate.fail(new CollectiveException(rank, "rank " + rank + " sent " + e.getMessage(), e));
            context.close();
        } finally {
            in.release();
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (context.channel().isWritable()) {
            drain();
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof ChannelInputShutdownEvent) {
            ended("it ended the connection", null);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        discardOutbox();
        ended("the connection closed", null);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        ended(String.valueOf(cause.getMessage()), cause);
        if (!(cause instanceof IOException)) {
            context.close();
        }
    }

    /** A peer that ends without a goodbye has failed; whoever knows why has a moment to say so. */
    private void ended(String how, Throwable cause) {
        boolean missed;
        fate.lock();
        try {
            missed = !inputEnded && !left && !fate.over();
            inputEnded = true;
            fate.wake();
        } finally {
            fate.unlock();
        }
        if (missed) {
            String message = "rank " + rank + " is lost to rank " + self + ": " + how
                    + " without a word; its process was killed, or the network broke";
            channel.eventLoop()
                    .schedule(
                            () -> fate.fail(new CollectiveException(rank, message, cause)),
                            causeWait.toMillis(),
                            TimeUnit.MILLISECONDS);
        }
    }
}
