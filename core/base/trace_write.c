/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A trace as JSON: names of tracks as events of phase M, spans as events of phase X, times in microseconds.
 * What is missing is said behind the events, in "otherData".
 */

#include <stdlib.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/outfile.h"
#include "core/base/text.h"
#include "core/base/trace_track.h"

/* One file under construction. */
struct writer {
        ckpt_diagnostics *diagnostics;
        ckpt_outfile file;
        ckpt_text text; /* what is not written yet */
        int process;
        uint64_t spans;
};

static void writer_deinit(struct writer *writer)
{
        ckpt_text_deinit(&writer->text);
        ckpt_outfile_deinit(&writer->file);
}

static ckpt_status flush(struct writer *writer)
{
        ckpt_status r;

        if (writer->text.failed)
                return ckpt_diagnostics_add(writer->diagnostics, CKPT_E_NOMEM, NULL, NULL, NULL,
                                            "cannot write %s: out of memory", writer->file.shown);
        r = ckpt_outfile_write(&writer->file, ckpt_text_get(&writer->text), writer->text.length);
        ckpt_text_deinit(&writer->text);
        return r;
}

/* Three digits behind the point are nanoseconds, exactly. */
static void add_time(ckpt_text *text, const char *key, uint64_t nanoseconds)
{
        ckpt_text_add(text, "\"%s\":%llu.%03u,", key, (unsigned long long)(nanoseconds / 1000),
                      (unsigned)(nanoseconds % 1000));
}

static void add_span(struct writer *writer, uint32_t track, const ckpt_trace_event *event)
{
        ckpt_text *text = &writer->text;

        ckpt_text_add(text, ",\n{\"ph\":\"X\",\"pid\":%d,\"tid\":%u,", writer->process, track);
        add_time(text, "ts", event->start);
        add_time(text, "dur", event->duration);
        ckpt_text_add(text, "\"name\":");
        ckpt_text_add_json(text, event->name);
        if (event->bytes > 0)
                ckpt_text_add(text, ",\"args\":{\"bytes\":%llu}", (unsigned long long)event->bytes);
        ckpt_text_add(text, "}");
        writer->spans++;
}

static void add_track_name(struct writer *writer, ckpt_trace *trace, const ckpt_trace_track *track)
{
        _cleanup_(ckpt_text_deinit) ckpt_text name = CKPT_TEXT_INIT;
        ckpt_text *text = &writer->text;

        pthread_mutex_lock(&trace->lock);
        ckpt_text_add(&name, "%s", track->name ? track->name : "thread");
        if (!track->name || track->index != CKPT_TRACE_UNNUMBERED)
                ckpt_text_add(&name, " %u", track->name ? track->index : track->number);
        pthread_mutex_unlock(&trace->lock);
        ckpt_text_add(text,
                      ",\n{\"ph\":\"M\",\"pid\":%d,\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":",
                      writer->process, track->number);
        ckpt_text_add_json(text, ckpt_text_get(&name));
        ckpt_text_add(text,
                      "}},\n{\"ph\":\"M\",\"pid\":%d,\"tid\":%u,\"name\":\"thread_sort_index\","
                      "\"args\":{\"sort_index\":%u}}",
                      writer->process, track->number, track->number);
        text->failed |= name.failed;
}

static ckpt_status write_track(struct writer *writer, ckpt_trace *trace, ckpt_trace_track *track)
{
        const ckpt_trace_block *block = atomic_load_explicit(&track->first, memory_order_acquire);
        ckpt_status r = CKPT_OK;

        add_track_name(writer, trace, track);
        for (; block && r == CKPT_OK; block = atomic_load_explicit(&block->next, memory_order_acquire)) {
                const unsigned count = atomic_load_explicit(&block->count, memory_order_acquire);

                for (unsigned i = 0; i < count; i++)
                        add_span(writer, track->number, &block->events[i]);
                r = flush(writer);
        }
        return r;
}

static ckpt_trace_track *first_track(ckpt_trace *trace)
{
        ckpt_trace_track *track;

        pthread_mutex_lock(&trace->lock);
        track = trace->tracks;
        pthread_mutex_unlock(&trace->lock);
        return track;
}

ckpt_status ckpt_trace_write(ckpt_trace *trace, ckpt_diagnostics *diagnostics, const char *path)
{
        _cleanup_(writer_deinit) struct writer writer = {.diagnostics = diagnostics,
                                                         .file = CKPT_OUTFILE_INIT(diagnostics),
                                                         .text = CKPT_TEXT_INIT,
                                                         .process = (int)getpid()};
        ckpt_status r;

        if (!trace)
                return CKPT_OK;
        r = ckpt_outfile_open(&writer.file, path, 0);
        ckpt_text_add(&writer.text,
                      "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n{\"ph\":\"M\",\"pid\":%d,\"tid\":0,"
                      "\"name\":\"process_name\",\"args\":{\"name\":\"libckpt\"}}",
                      writer.process);
        for (ckpt_trace_track *track = first_track(trace); track && r == CKPT_OK; track = track->next)
                r = write_track(&writer, trace, track);
        ckpt_text_add(&writer.text, "\n],\"otherData\":{\"spans\":%llu,\"dropped\":%llu}}\n",
                      (unsigned long long)writer.spans, (unsigned long long)atomic_load(&trace->dropped));
        if (r == CKPT_OK)
                r = flush(&writer);
        return r == CKPT_OK ? ckpt_outfile_commit(&writer.file) : r;
}
