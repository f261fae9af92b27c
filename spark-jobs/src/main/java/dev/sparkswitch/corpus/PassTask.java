package dev.sparkswitch.corpus;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.input.RawDocument;
import dev.sparkswitch.eval.report.Histogram;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Row;
import org.apache.spark.util.LongAccumulator;

/**
 * Takes one part through a pass: from the input, or from what the pass before left of it, through the rules into a file of
 * its own. A part that was finished before is not made again.
 */
final class PassTask implements Serializable {
    private static final long serialVersionUID = 1L;
    static final String READ = "documents";
    static final String KEPT = "documents-kept";
    static final String TEXT_BYTES = "text-bytes";
    static final String DAMAGED = "files-damaged";
    static final String NUL = "documents-with-nul";
    static final String DUPLICATE_LINES = "lines-duplicate";
    static final String NO_UNIQUE_LINE = "dropped-no-unique-line";
    private static final int SAMPLE_CHARACTERS = 500;

    private final Pass pass;
    private final Parts target;
    private final Settings settings;
    private final LongAccumulator read;
    private final LongAccumulator droppedCount;

    /**
     * What holds for all passes.
     *
     * @param dropped whether dropped documents are written too
     * @param strict whether a row that cannot be read is an error
     * @param sample which rows are looked at
     */
    record Settings(boolean dropped, boolean strict, Sampling sample) implements Serializable {}

    /**
     * @param read counts documents as they come, for the person who waits
     * @param dropped the same for those that are dropped
     */
    PassTask(Pass pass, Parts target, Settings settings, LongAccumulator read, LongAccumulator dropped) {
        this.pass = pass;
        this.target = target;
        this.settings = settings;
        this.read = read;
        this.droppedCount = dropped;
    }

    /** The counters of a pass. */
    static List<String> counters(Pass pass) {
        List<String> counters = new ArrayList<>(List.of(READ, KEPT, TEXT_BYTES, DAMAGED, NUL, DUPLICATE_LINES));
        for (RawDocument.Flaw flaw : RawDocument.Flaw.values()) {
            if (flaw != RawDocument.Flaw.NONE && flaw != RawDocument.Flaw.DAMAGED_FILE) {
                counters.add(reason(flaw));
            }
        }
        for (Pass.Unique unique : Pass.Unique.values()) {
            if (unique != Pass.Unique.NOTHING) {
                counters.add(reason(unique));
            }
        }
        pass.rules().forEach(rule -> counters.addAll(rule.counters()));
        return counters;
    }

    static String reason(RawDocument.Flaw flaw) {
        return switch (flaw) {
            case NONE -> "";
            case EMPTY -> "dropped-empty";
            case UNREADABLE -> "dropped-unreadable";
            case TOO_LONG -> "dropped-too-long-row";
            case INVALID_UTF8 -> "dropped-invalid-utf8";
            case DAMAGED_FILE -> DAMAGED;
        };
    }

    static String reason(Pass.Unique unique) {
        return switch (unique) {
            case NOTHING -> "";
            case URL -> "dropped-duplicate-url";
            case LINE -> NO_UNIQUE_LINE;
            case TEXT -> "dropped-duplicate-text";
            case NEAR -> "dropped-near-duplicate";
        };
    }

    /** Makes a part of the rows of the input. */
    PartSummary first(int part, Iterator<RawDocument> rows) {
        Optional<PartSummary> finished = target.finished(part);
        if (finished.isPresent()) {
            return finished.get();
        }
        try (Run run = new Run(part)) {
            long left = settings.sample().rows(part);
            while (left > 0 && rows.hasNext()) {
                RawDocument row = rows.next();
                if (settings.sample().takes(row)) {
                    run.raw(row);
                    left--;
                }
            }
            return run.finish();
        } catch (IOException e) {
            throw target.unwritable(e);
        }
    }

    /**
     * Makes a part of what the pass before left of it.
     *
     * @param source where that lies
     * @param unique what is there of once
     * @param extra rows of part, number of the document in it, number of the line or -1, in this order: what is there again
     */
    PartSummary later(int part, Parts source, Pass.Unique unique, Iterator<Row> extra) {
        Optional<PartSummary> finished = target.finished(part);
        if (finished.isPresent()) {
            return finished.get();
        }
        PartSummary before = source.finished(part)
                .orElseThrow(
                        () -> new IllegalStateException("part " + part + " of " + source.folder() + " is not there"));
        try (Run run = new Run(part);
                DocumentFile.Reader documents =
                        new DocumentFile.Reader(source.files(), source.file(before.documents()))) {
            Extras extras = new Extras(extra);
            PlacedDocument document = documents.next();
            for (int number = 0; document != null; number++, document = documents.next()) {
                run.unique(document, unique, extras.of(number));
            }
            return run.finish();
        } catch (IOException e) {
            throw target.unwritable(e);
        }
    }

    /** The lines of documents, or whole documents, that are there again, document by document. */
    private static final class Extras {
        private final Iterator<Row> rows;
        private final List<Integer> lines = new ArrayList<>();
        private Row next;

        Extras(Iterator<Row> rows) {
            this.rows = rows;
            next = rows.hasNext() ? rows.next() : null;
        }

        /** Those of the document with this number, which follow those of the numbers before. */
        List<Integer> of(int number) {
            lines.clear();
            while (next != null && next.getInt(1) == number) {
                lines.add(next.getInt(2));
                next = rows.hasNext() ? rows.next() : null;
            }
            return lines;
        }
    }

    /** One part on its way. */
    private final class Run implements AutoCloseable {
        private final int part;
        private final FileSystem files = target.files();
        private final String name;
        private final DocumentFile.Writer kept;
        private final DocumentFile.Writer gone;
        private final Tally tally = new Tally(counters(pass));
        private final PartSummary summary = PartSummary.empty(Histogram.BINS);
        private final long[] nanos = new long[pass.rules().size()];

        Run(int part) throws IOException {
            this.part = part;
            this.name = String.format(
                    Locale.ROOT, "%06d-%s", part, UUID.randomUUID().toString().substring(0, 8));
            kept = new DocumentFile.Writer(files, path(".documents"));
            gone = settings.dropped() ? new DocumentFile.Writer(files, path(".dropped")) : null;
        }

        private Path path(String ending) {
            return target.file(name + ending);
        }

        void raw(RawDocument row) throws IOException {
            RawDocument.Flaw flaw = row.flaw();
            if (flaw == RawDocument.Flaw.NONE) {
                String text = row.text();
                if (text.indexOf('\0') >= 0) {
                    tally.count(NUL);
                    text = text.replace("\0", "");
                }
                PlacedDocument document = new PlacedDocument(text, row.url(), row.source(), row.position(), "", "");
                if (!text.isBlank()) {
                    clean(document);
                    return;
                }
                flaw = RawDocument.Flaw.EMPTY;
            }
            if (flaw != RawDocument.Flaw.EMPTY) {
                if (settings.strict()) {
                    throw new UserException("The input " + row.place() + " cannot be read: " + row.text()
                            + "; correct it, or set strict=false to have such rows counted and left out.");
                }
                if (summary.unreadable().size() < PartSummary.UNREADABLE_SHOWN) {
                    summary.unreadable().add(row.place() + ": " + row.text());
                }
            }
            if (flaw == RawDocument.Flaw.DAMAGED_FILE) {
                tally.count(DAMAGED);
                return;
            }
            tally.count(READ);
            read.add(1);
            tally.count(reason(flaw));
            drop(new PlacedDocument(row.text(), row.url(), row.source(), row.position(), "", ""), reason(flaw));
        }

        void unique(PlacedDocument document, Pass.Unique unique, List<Integer> extra) throws IOException {
            if (extra.isEmpty()) {
                clean(document);
                return;
            }
            String rest = "";
            if (unique == Pass.Unique.LINE) {
                tally.add(DUPLICATE_LINES, extra.size());
                rest = without(document.text(), extra);
            }
            if (!rest.isEmpty()) {
                clean(document.withText(rest));
                return;
            }
            tally.count(READ);
            read.add(1);
            tally.count(reason(unique));
            drop(document, reason(unique));
        }

        private void clean(PlacedDocument document) throws IOException {
            tally.count(READ);
            read.add(1);
            tally.begin();
            summary.read()[Histogram.bin(document.text().length())]++;
            Rule.Document cleaned = new Rule.Document(document.text(), document.language());
            List<Rule> rules = pass.rules();
            for (int i = 0; i < rules.size(); i++) {
                long began = System.nanoTime();
                Optional<Rule.Document> next = rules.get(i).apply(cleaned, tally);
                nanos[i] += System.nanoTime() - began;
                if (next.isEmpty()) {
                    drop(document.with(cleaned), tally.lastDrop());
                    return;
                }
                cleaned = next.get();
            }
            PlacedDocument left = document.with(cleaned);
            tally.count(KEPT);
            summary.kept()[Histogram.bin(left.text().length())]++;
            tally.add(TEXT_BYTES, kept.add(left));
        }

        private void drop(PlacedDocument document, String reason) throws IOException {
            droppedCount.add(1);
            String why = reason.substring(Tally.DROPPED.length());
            String text = document.text();
            summary.offer(new PartSummary.Sample(
                    why,
                    document.source(),
                    document.position(),
                    text.substring(0, Math.min(SAMPLE_CHARACTERS, text.length())),
                    document.tie()));
            if (gone != null) {
                gone.add(document.dropped(why, tally.lastLanguage()));
            }
        }

        PartSummary finish() throws IOException {
            kept.finish();
            kept.close();
            if (gone != null) {
                gone.finish();
                gone.close();
            }
            for (Map.Entry<String, Long> count : tally.byName().entrySet()) {
                if (count.getValue() > 0) {
                    summary.counts().put(count.getKey(), count.getValue());
                }
            }
            summary.languages().putAll(tally.languages());
            for (int i = 0; i < nanos.length; i++) {
                summary.nanos().merge(pass.rules().get(i).name(), nanos[i], Long::sum);
            }
            PartSummary done = new PartSummary(
                    name + ".documents",
                    gone == null ? "" : name + ".dropped",
                    summary.counts(),
                    summary.languages(),
                    summary.read(),
                    summary.kept(),
                    summary.sorted(),
                    summary.unreadable(),
                    summary.nanos());
            target.finish(part, done);
            return done;
        }

        @Override
        public void close() throws IOException {
            kept.close();
            if (gone != null) {
                gone.close();
            }
        }
    }

    /** The text without the lines of these numbers, which ascend. */
    private static String without(String text, List<Integer> lines) {
        StringBuilder rest = new StringBuilder(text.length());
        int from = 0;
        int next = 0;
        for (int line = 0; from <= text.length(); line++) {
            int end = text.indexOf('\n', from);
            int to = end < 0 ? text.length() : end;
            if (next < lines.size() && lines.get(next) == line) {
                next++;
            } else {
                rest.append(text, from, to).append('\n');
            }
            from = to + 1;
        }
        // Every line that stays was given an end.
        rest.setLength(Math.max(0, rest.length() - 1));
        return rest.toString();
    }
}
