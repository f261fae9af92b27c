package dev.sparkswitch.collective;

import dev.sparkswitch.collective.Handshake.Hello;
import dev.sparkswitch.collective.Handshake.Place;
import io.netty.buffer.ByteBuf;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.concurrent.Future;

/** A rank 1 of two made of a plain socket, to do what a rank never would. */
final class RawRank implements AutoCloseable {
    private static final int TIMEOUT_MILLIS = 10_000;

    private final Socket socket;
    private final DataInputStream in;

    RawRank(RankAddress address) throws IOException {
        socket = new Socket(InetAddress.getByName(address.host()), address.port());
        socket.setSoTimeout(TIMEOUT_MILLIS);
        in = new DataInputStream(socket.getInputStream());
    }

    /** A real rank 0, and the socket that has proved itself to it as rank 1. */
    record Pair(NettyCollectives real, RawRank raw) {
        static Pair open(NettyOptions options) throws Exception {
            Waiting waiting = Waiting.open(options);
            RawRank raw = new RawRank(waiting.address());
            raw.prove(hello(1), NettyWorlds.SECRET);
            return new Pair(waiting.real().get(), raw);
        }
    }

    /** A real rank 0 that waits for rank 1. */
    record Waiting(Future<NettyCollectives> real, RankAddress address) {
        static Waiting open(NettyOptions options) throws Exception {
            var contexts = NettyWorlds.contexts(2);
            Future<NettyCollectives> real =
                    NettyWorlds.connect(contexts.subList(0, 1), options).get(0);
            String address = contexts.get(1).allGather("127.0.0.1:1").get(0);
            return new Waiting(real, RankAddress.parse(address));
        }
    }

    static Hello hello(int caller) {
        return Hello.of(new Place(0, 2, caller), 0);
    }

    void write(byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
        socket.getOutputStream().flush();
    }

    void write(ByteBuf frame) throws IOException {
        byte[] bytes = new byte[frame.readableBytes()];
        frame.readBytes(bytes);
        frame.release();
        write(bytes);
    }

    /** The answerer's nonce. */
    byte[] greet(Hello hello) throws IOException {
        write(hello.toBytes());
        verdict();
        return in.readNBytes(Handshake.NONCE_BYTES);
    }

    /** Holds the whole conversation as the holder of {@code secret}; returns what this end sent. */
    byte[] prove(Hello hello, byte[] secret) throws IOException {
        byte[] nonce = greet(hello);
        byte[] proof = new Handshake(secret).callerProof(hello, nonce);
        write(proof);
        verdict();
        byte[] answer = in.readNBytes(Handshake.PROOF_BYTES);
        if (!Handshake.same(new Handshake(secret).answererProof(hello, nonce), answer)) {
            throw new IOException("the answerer did not prove the secret");
        }
        return proof;
    }

    /** Reads a verdict; throws what it says where it is not a yes. */
    void verdict() throws IOException {
        Handshake.Verdict verdict = Handshake.Verdict.of(in.readByte());
        if (verdict != Handshake.Verdict.ACCEPTED) {
            throw new IOException(verdict.toString());
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
