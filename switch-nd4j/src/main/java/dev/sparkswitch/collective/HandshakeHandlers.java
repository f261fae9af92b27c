package dev.sparkswitch.collective;

import dev.sparkswitch.collective.Handshake.Hello;
import dev.sparkswitch.collective.Handshake.Place;
import dev.sparkswitch.collective.Handshake.Verdict;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.util.List;

/** The two ends of a {@link Handshake} on a channel. Whatever does not prove itself is closed and never heard. */
final class HandshakeHandlers {
    private HandshakeHandlers() {}

    /** Learns how a handshake ended; called on the channel's event loop. */
    interface Listener {
        /** Whether {@code peer}, which has proved itself, is the first of that rank; if so the channel is now its. */
        boolean admit(ChannelHandlerContext context, int peer);

        /** The other end was refused, refused this one, or left. */
        void refused(ChannelHandlerContext context, String reason);
    }

    /** The common part: one end, one conversation. */
    private abstract static class End extends ByteToMessageDecoder {
        final Handshake handshake;
        final Listener listener;
        private boolean over;

        End(Handshake handshake, Listener listener) {
            this.handshake = handshake;
            this.listener = listener;
        }

        final void finish(ChannelHandlerContext context) {
            over = true;
            context.pipeline().remove(this);
        }

        final void refuse(ChannelHandlerContext context, ByteBuf in, String reason) {
            over = true;
            in.skipBytes(in.readableBytes());
            listener.refused(context, reason);
        }

        @Override
        protected final void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
            if (over) {
                in.skipBytes(in.readableBytes());
            } else {
                step(context, in);
            }
        }

        /** Takes the next message if it is there as a whole. */
        abstract void step(ChannelHandlerContext context, ByteBuf in);

        @Override
        public final void channelInactive(ChannelHandlerContext context) throws Exception {
            if (!over) {
                over = true;
                listener.refused(context, "the connection closed during the handshake");
            }
            super.channelInactive(context);
        }

        @Override
        public final void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            if (!over) {
                over = true;
                listener.refused(context, "the connection broke during the handshake: " + cause.getMessage());
            }
            context.close();
        }

        static byte[] read(ByteBuf in, int bytes) {
            byte[] content = new byte[bytes];
            in.readBytes(content);
            return content;
        }
    }

    /** The end that connects: a rank calls every rank below it. */
    static final class Caller extends End {
        private final Hello hello;
        private byte[] answererNonce;

        Caller(Handshake handshake, Place place, int answerer, Listener listener) {
            super(handshake, listener);
            this.hello = Hello.of(place, answerer);
        }

        @Override
        public void channelActive(ChannelHandlerContext context) throws Exception {
            context.writeAndFlush(Unpooled.wrappedBuffer(hello.toBytes()));
            super.channelActive(context);
        }

        @Override
        void step(ChannelHandlerContext context, ByteBuf in) {
            Verdict verdict = Verdict.of(in.getByte(in.readerIndex()));
            if (verdict != Verdict.ACCEPTED) {
                refuse(context, in, "rank " + hello.answerer() + " refused this rank: " + verdict);
                context.close();
                return;
            }
            if (in.readableBytes() < Handshake.VERDICT_BYTES + Handshake.NONCE_BYTES) {
                return;
            }
            in.skipBytes(Handshake.VERDICT_BYTES);
            if (answererNonce == null) {
                answererNonce = read(in, Handshake.NONCE_BYTES);
                byte[] proof = handshake.callerProof(hello, answererNonce);
                context.writeAndFlush(Unpooled.wrappedBuffer(proof));
                return;
            }
            byte[] proof = read(in, Handshake.PROOF_BYTES);
            if (!Handshake.same(handshake.answererProof(hello, answererNonce), proof)) {
                refuse(context, in, "rank " + hello.answerer() + " did not prove the run's secret");
                context.close();
            } else if (listener.admit(context, hello.answerer())) {
                finish(context);
            } else {
                context.close();
            }
        }
    }

    /** The end that is connected to. */
    static final class Answerer extends End {
        private final Place place;
        private final byte[] nonce = Handshake.freshNonce();
        private Hello hello;

        Answerer(Handshake handshake, Place place, Listener listener) {
            super(handshake, listener);
            this.place = place;
        }

        @Override
        void step(ChannelHandlerContext context, ByteBuf in) {
            if (hello == null) {
                if (in.readableBytes() < Handshake.HELLO_BYTES) {
                    return;
                }
                hello = Hello.parse(read(in, Handshake.HELLO_BYTES));
                if (hello == null) {
                    refuse(context, in, Verdict.WRONG_PROTOCOL);
                } else if (!hello.fits(place)) {
                    refuse(context, in, Verdict.WRONG_PLACE);
                } else {
                    context.writeAndFlush(answer(Verdict.ACCEPTED, nonce));
                }
                return;
            }
            if (in.readableBytes() < Handshake.PROOF_BYTES) {
                return;
            }
            byte[] proof = read(in, Handshake.PROOF_BYTES);
            if (!Handshake.same(handshake.callerProof(hello, nonce), proof)) {
                refuse(context, in, Verdict.WRONG_PROOF);
            } else if (listener.admit(context, hello.caller())) {
                context.writeAndFlush(answer(Verdict.ACCEPTED, handshake.answererProof(hello, nonce)));
                finish(context);
            } else {
                refuse(context, in, Verdict.ALREADY_CONNECTED);
            }
        }

        private void refuse(ChannelHandlerContext context, ByteBuf in, Verdict verdict) {
            refuse(context, in, verdict.toString());
            context.writeAndFlush(Unpooled.wrappedBuffer(new byte[] {(byte) verdict.ordinal()}))
                    .addListener(ChannelFutureListener.CLOSE);
        }

        private static ByteBuf answer(Verdict verdict, byte[] content) {
            return Unpooled.wrappedBuffer(new byte[] {(byte) verdict.ordinal()}, content);
        }
    }
}
