package dev.sparkswitch.corpus.input;

import java.io.Serializable;

/**
 * A part of a file that one task reads.
 *
 * @param path the file's full path
 * @param source the file's name for provenance
 * @param start the first byte; lines that begin at it or before its end belong to the piece, but for a first one that began
 *     earlier
 * @param length bytes
 * @param turn of the rows of a file that cannot be cut, those whose number is this modulo {@code turns} belong to the piece
 * @param turns pieces that share such a file, each reading all of it
 */
public record Piece(String path, String source, long start, long length, int turn, int turns) implements Serializable {
    static Piece whole(String path, String source, long length) {
        return new Piece(path, source, 0, length, 0, 1);
    }
}
