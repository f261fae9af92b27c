package dev.sparkswitch.corpus.input;

import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.compress.CompressionCodecFactory;

/**
 * Files as units of work of about one size: large ones are cut, small ones put together. The same files and the same number
 * give the same units, wherever and however often they are planned.
 */
public final class InputPlan {
    /** What opening a file costs, in bytes read: many tiny files make a unit as long as one large file does. */
    private static final long OPEN_COST = 256 << 10;
    /** A piece that is worth cutting off. */
    private static final long LEAST_BYTES = 256 << 10;
    /** A unit is what is lost when a task dies, and what is sorted out together: not too much. */
    private static final long MOST_BYTES = 128L << 20;
    /** Where there is text for them, units are no smaller than this and four times as many, so that the last end together. */
    private static final long GOOD_BYTES = 8 << 20;

    private static final int FINER = 4;
    /** Each of them unpacks the whole file. */
    private static final int MOST_TURNS = 16;

    private InputPlan() {}

    /** How many units there are to be. */
    public enum Grain {
        /** As many as are wanted, if the files allow it. */
        EXACT,
        /** At least as many, and so many more as help to keep all cores busy to the end. */
        FINE
    }

    /**
     * A file to read.
     *
     * @param status where it lies and how long it is
     * @param source its name for provenance
     */
    public record InputFile(FileStatus status, String source) {}

    /**
     * Cuts and groups files, in their order.
     *
     * @param wanted units to make at least, where the files allow it
     */
    public static List<Unit> of(
            Configuration hadoop, List<InputFile> files, InputConfig.Format format, int wanted, Grain grain) {
        CompressionCodecFactory codecs = new CompressionCodecFactory(hadoop);
        long bytes = 0;
        for (InputFile file : files) {
            bytes += file.status().getLen();
        }
        long even = (bytes - 1) / wanted + 1;
        long least = 1;
        int units = wanted;
        if (grain == Grain.FINE) {
            least = LEAST_BYTES;
            units = (int) Math.max(wanted, Math.min((long) FINER * wanted, bytes / GOOD_BYTES));
        }
        Sizes sizes = new Sizes(limit((bytes - 1) / units + 1, least), limit(even, least));
        List<Piece> pieces = new ArrayList<>();
        for (InputFile file : files) {
            pieces.addAll(cut(file, format, codecs, sizes, files.size() < wanted));
        }
        long cost = 0;
        for (Piece piece : pieces) {
            cost += cost(piece);
        }
        return grouped(pieces, Math.min(MOST_BYTES, (cost - 1) / units + 1));
    }

    private static long limit(long bytes, long least) {
        return Math.max(least, Math.min(MOST_BYTES, bytes));
    }

    /**
     * Into what files are cut.
     *
     * @param piece the bytes of one that can be read by itself
     * @param turn those of one before which the whole file is unpacked
     */
    private record Sizes(long piece, long turn) {}

    private static long cost(Piece piece) {
        return OPEN_COST + piece.length() / piece.turns();
    }

    /** Neighbours together as long as they do not cost more than {@code most}. */
    private static List<Unit> grouped(List<Piece> pieces, long most) {
        List<Unit> units = new ArrayList<>();
        List<Piece> open = new ArrayList<>();
        long filled = 0;
        for (Piece piece : pieces) {
            if (!open.isEmpty() && filled + cost(piece) > most) {
                units.add(new Unit(open));
                open.clear();
                filled = 0;
            }
            open.add(piece);
            filled += cost(piece);
        }
        if (!open.isEmpty()) {
            units.add(new Unit(open));
        }
        return units;
    }

    private static List<Piece> cut(
            InputFile file, InputConfig.Format format, CompressionCodecFactory codecs, Sizes sizes, boolean tooFew) {
        Path path = file.status().getPath();
        long length = file.status().getLen();
        List<Piece> pieces = new ArrayList<>();
        boolean cuttable =
                switch (format) {
                    case TEXT, DELIMITED, JSON -> !Unpacked.isPacked(codecs, path);
                    case CSV, WARC -> false;
                    case PARQUET, ORC -> throw new IllegalArgumentException(format + " is read by Spark");
                };
        if (cuttable) {
            long each = (length - 1) / parts(length, sizes.piece()) + 1;
            for (long from = 0; from < length; from += each) {
                pieces.add(new Piece(path.toString(), file.source(), from, Math.min(each, length - from), 0, 1));
            }
            return pieces;
        }
        int turns = tooFew ? Math.min(MOST_TURNS, parts(length, sizes.turn())) : 1;
        for (int turn = 0; turn < turns; turn++) {
            pieces.add(new Piece(path.toString(), file.source(), 0, length, turn, turns));
        }
        return pieces;
    }

    private static int parts(long length, long most) {
        return (int) Math.min(Integer.MAX_VALUE, (length - 1) / most + 1);
    }
}
