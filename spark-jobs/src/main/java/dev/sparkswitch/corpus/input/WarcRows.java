package dev.sparkswitch.corpus.input;

import dev.sparkswitch.corpus.input.RawDocument.Flaw;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jsoup.Jsoup;
import org.netpreserve.jwarc.HttpResponse;
import org.netpreserve.jwarc.MediaType;
import org.netpreserve.jwarc.MessageBody;
import org.netpreserve.jwarc.WarcConversion;
import org.netpreserve.jwarc.WarcReader;
import org.netpreserve.jwarc.WarcRecord;
import org.netpreserve.jwarc.WarcResponse;
import org.netpreserve.jwarc.WarcTargetRecord;

/**
 * The texts of a web archive: those that its conversion records hold (WET), and those of its pages (WARC), HTML or plain
 * text that the server gave with status 200. Other records are no rows.
 */
final class WarcRows implements Rows {
    private static final int OK = 200;

    private final String source;
    private final int most;
    private final InputConfig config;
    private final WarcReader reader;
    private WarcRecord record;
    private long position;

    WarcRows(FileStream file, Piece piece, InputConfig config) throws IOException {
        this.source = piece.source();
        this.config = config;
        this.most = (int) config.maxRow().bytes();
        // The archive's members are packed one by one, which its reader undoes itself.
        this.reader = new WarcReader(file);
        reader.setLenient(true);
    }

    @Override
    public boolean advance() throws IOException {
        while (true) {
            Optional<WarcRecord> next = reader.next();
            if (next.isEmpty()) {
                return false;
            }
            record = next.get();
            position = reader.position();
            if (record instanceof WarcConversion || record instanceof WarcResponse response && isPage(response)) {
                return true;
            }
        }
    }

    private static boolean isPage(WarcResponse response) throws IOException {
        if (!response.contentType().base().equals(MediaType.HTTP)) {
            return false;
        }
        HttpResponse http = response.http();
        return http.status() == OK && (isHtml(http.contentType()) || isPlain(http.contentType()));
    }

    private static boolean isHtml(MediaType type) {
        return type.base().equals(MediaType.HTML) || type.base().toString().equals("application/xhtml+xml");
    }

    private static boolean isPlain(MediaType type) {
        return type.base().toString().equals("text/plain");
    }

    @Override
    public long position() {
        return position;
    }

    @Override
    public RawDocument row() throws IOException {
        String url = ((WarcTargetRecord) record).target();
        if (record instanceof WarcResponse response) {
            HttpResponse http = response.http();
            byte[] body = body(http.body());
            if (body == null) {
                return tooLong(url);
            }
            String charset = http.contentType().parameters().get("charset");
            if (isHtml(http.contentType())) {
                return RawDocument.of(
                        HtmlText.of(Jsoup.parse(new ByteArrayInputStream(body), known(charset), url)),
                        url,
                        source,
                        position);
            }
            return plain(body, url);
        }
        byte[] body = body(record.body());
        return body == null ? tooLong(url) : plain(body, url);
    }

    private RawDocument plain(byte[] body, String url) {
        String text = new String(body, StandardCharsets.UTF_8);
        if (text.indexOf('\uFFFD') >= 0 && !Lines.isUtf8(body, body.length)) {
            return RawDocument.flawed(Flaw.INVALID_UTF8, "bytes that are no UTF-8: " + url, source, position);
        }
        return RawDocument.of(text, url, source, position);
    }

    private RawDocument tooLong(String url) {
        return RawDocument.flawed(Flaw.TOO_LONG, "more than " + config.maxRow() + ": " + url, source, position);
    }

    /** The bytes, or null if there are more than a row may have. */
    private byte[] body(MessageBody body) throws IOException {
        byte[] bytes = body.stream().readNBytes(most + 1);
        return bytes.length > most ? null : bytes;
    }

    private static String known(String charset) {
        try {
            return charset != null && Charset.isSupported(charset) ? charset : null;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }
}
