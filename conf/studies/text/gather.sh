#!/bin/sh
# The text of the studies: a document a line, from Debian 12's packages (documentation, dictionaries, sources) and
# 100 English novels (https://github.com/computationalstylistics/100_english_novels, a checkout of which is named).
# Needs apt-get, dpkg, unzip and 4 GB of disk; takes minutes.
#
#   sh conf/studies/text/gather.sh FOLDER NOVELS
set -eu
[ $# -eq 2 ] || { echo "usage: gather.sh FOLDER NOVELS" >&2; exit 2; }
folder=$1
novels=$(cd "$2" && pwd)
[ -d "$novels/corpus" ] || { echo "$novels holds no folder corpus: name a checkout of 100_english_novels" >&2; exit 2; }

packages="anarchism apache2-doc bible-kjv-text cmake-doc debian-policy debian-reference-en developers-reference dict-foldoc
  dict-gcide emacs-common git-doc gnome-user-docs golang-1.19-src jargon libboost1.74-doc linux-doc-6.1 manpages manpages-dev
  maxima-doc octave-doc openjdk-17-source perl-doc postgresql-doc-15 python3.11-doc qtbase5-doc-html rust-src sqlite3-doc
  wordnet-base zsh-doc"
mkdir -p "$folder/packages" "$folder/unpacked" "$folder/text"
cd "$folder"
for package in $packages; do
  [ -d "unpacked/$package" ] && continue
  (cd packages && apt-get -qq download "$package")
  dpkg -x packages/"$package"_*.deb "unpacked/.$package" && mv "unpacked/.$package" "unpacked/$package"
done
[ -d unpacked/java ] || unzip -q -d unpacked/java "$(find unpacked/openjdk-17-source -name src.zip)" 'java.*'

# Files named on standard input, apart by NUL, as lines: runs of blanks and ends of lines become one blank.
lines() {
  LC_ALL=C xargs -0 -r awk 'FNR == 1 && NR > 1 { print "" } { gsub(/[ \t\r\f]+/, " "); printf "%s ", $0 } END { print "" }'
}
# The same for packed files.
unpacked() {
  while IFS= read -r file; do gzip -dc "$file" | LC_ALL=C tr -s ' \t\r\n\f\000' ' '; echo; done
}
# Takes tags, scripts and references to characters out of lines.
plain() {
  LC_ALL=C sed -E -e 's/<(script|style)[^>]*>[^<]*<\/(script|style)>/ /g' -e 's/<[^>]*>/ /g' -e 's/&(nbsp|#160|#xa0);/ /g' \
    -e "s/&(lt|#60);/</g; s/&(gt|#62);/>/g; s/&(quot|#34|ldquo|rdquo);/\"/g; s/&(#39|#x27|rsquo|lsquo|apos);/'/g" \
    -e 's/&[a-z#0-9]{1,8};/ /g; s/ +/ /g'
}
# Drops the licences that begin source files, and a mark of byte order.
unlicensed() {
  LC_ALL=C sed -E -e 's/^\xEF\xBB\xBF//' -e '\,^ ?/\*([^*]|\*+[^*/])*Copyright, s,^ ?/\*([^*]|\*+[^*/])*\*+/ ?,,' \
    -e 's,^ ?// Copyright[^/]*// Use of this[^/]*// license[^/]*file\. ,,'
}
html() { find "$@" -type f -name '*.html' -size +1k -print0 | sort -z; }

find "$novels/corpus" -type f -name '*.txt' -print0 | sort -z | lines | unlicensed > text/novels.txt
html unpacked/anarchism unpacked/apache2-doc unpacked/cmake-doc unpacked/debian-reference-en unpacked/developers-reference \
  unpacked/libboost1.74-doc unpacked/maxima-doc unpacked/octave-doc unpacked/postgresql-doc-15 unpacked/qtbase5-doc-html \
  unpacked/sqlite3-doc | lines | plain > text/manuals.txt
find unpacked/gnome-user-docs/usr/share/help/C -name '*.page' -print0 | sort -z | lines | plain >> text/manuals.txt
find unpacked/python3.11-doc unpacked/git-doc unpacked/debian-policy unpacked/linux-doc-6.1 \
  -type f \( -name '*.txt' -o -name '*.rst' \) -size +1k -print0 | sort -z | lines > text/plain.txt
find unpacked/perl-doc -name '*.pod' -print0 | sort -z | lines >> text/plain.txt
find unpacked/linux-doc-6.1 unpacked/emacs-common unpacked/zsh-doc \( -name '*.rst.gz' -o -name '*.txt.gz' -o -name '*.info*.gz' \) \
  | sort | unpacked >> text/plain.txt
find unpacked/manpages unpacked/manpages-dev -path '*/man/man*' -name '*.gz' | sort | unpacked \
  | LC_ALL=C sed -E -e 's/ ?\.\\"[^.]*/ /g' -e 's/\\f[BIRP]|\\-/ /g' -e 's/ \.[A-Z]{1,2} / /g; s/ +/ /g' >> text/plain.txt
# Dictionaries are long: pieces of 500 lines are documents.
for packed in $(find unpacked/dict-gcide unpacked/dict-foldoc -name '*.dict.dz' | sort); do
  gzip -dc < "$packed" | LC_ALL=C awk '{ gsub(/[ \t\r]+/, " "); printf "%s ", $0 } NR % 500 == 0 { print "" } END { print "" }'
done > text/dictionaries.txt
find unpacked/wordnet-base -name 'data.*' -print0 | sort -z | xargs -0 cat \
  | LC_ALL=C awk -F'\\| ' 'NF > 1 { printf "%s ", $2 } NR % 500 == 0 { print "" } END { print "" }' >> text/dictionaries.txt
find unpacked/golang-1.19-src -type f -name '*.go' ! -name '*_test.go' ! -name 'z*' -size +1k -print0 | sort -z | lines \
  | unlicensed > text/sources.txt
find unpacked/rust-src -type f -path '*/library/*' \( -name '*.rs' -o -name '*.md' \) -size +1k -print0 | sort -z | lines \
  >> text/sources.txt
find unpacked/java/java.base unpacked/java/java.xml -type f -name '*.java' -size +2k -print0 | sort -z | lines | unlicensed \
  >> text/sources.txt
wc -lc text/*.txt
