/* SPDX-License-Identifier: Apache-2.0 */
/* The tokenizer's structure: what may stand where. Strings and numbers have files of their own. */
#include "json.h"

#include <string.h>

enum expect {
        EXPECT_VALUE,
        EXPECT_FIRST_ELEMENT, /* a value, or the end of an empty array */
        EXPECT_FIRST_KEY,     /* a key, or the end of an empty object */
        EXPECT_NEXT,          /* a comma, or the container's end */
        EXPECT_END,
        EXPECT_NOTHING, /* refused */
};

void hf_json_init(struct hf_json *json, const void *bytes, size_t length, uint32_t max_depth)
{
        memset(json, 0, sizeof *json);
        json->begin = json->at = json->token = bytes;
        json->end = json->begin + length;
        json->max_depth = max_depth < HF_JSON_DEPTH_MAX ? max_depth : HF_JSON_DEPTH_MAX;
        json->expect = EXPECT_VALUE;
        if (length >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
                hf_json_refuse(json, json->begin, HF_JSON_BAD_BOM);
}

enum hf_json_token hf_json_refuse(struct hf_json *json, const unsigned char *at, enum hf_json_reason reason)
{
        json->token = at;
        json->reason = at >= json->end ? HF_JSON_BAD_TRUNCATED : reason;
        json->expect = EXPECT_NOTHING;
        return HF_JSON_ERROR;
}

static inline void skip_space(struct hf_json *json)
{
        const unsigned char *at = json->at;

        /* Writers put none: one comparison decides. */
        while (at < json->end && *at <= ' ' && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
                at++;
        json->at = at;
}

static enum hf_json_token open_container(struct hf_json *json, bool object)
{
        if (json->depth >= json->max_depth)
                return hf_json_refuse(json, json->at, HF_JSON_BAD_DEPTH);
        json->depth++;
        json->objects = json->objects << 1 | (object ? 1 : 0);
        json->at++;
        json->expect = object ? EXPECT_FIRST_KEY : EXPECT_FIRST_ELEMENT;
        return object ? HF_JSON_OBJECT : HF_JSON_ARRAY;
}

static enum hf_json_token close_container(struct hf_json *json)
{
        bool object = json->objects & 1;

        json->token = json->at++;
        json->objects >>= 1;
        json->depth--;
        json->expect = json->depth ? EXPECT_NEXT : EXPECT_END;
        return object ? HF_JSON_OBJECT_END : HF_JSON_ARRAY_END;
}

static enum hf_json_token scan_word(struct hf_json *json, const char *word, enum hf_json_token token)
{
        size_t length = strlen(word), i;

        for (i = 0; i < length; i++)
                if (json->at + i >= json->end || json->at[i] != (unsigned char)word[i])
                        return hf_json_refuse(json, json->at + i, HF_JSON_BAD_VALUE);
        json->at += length;
        return token;
}

static enum hf_json_token scan_scalar(struct hf_json *json)
{
        switch (*json->at) {
        case '"':
                json->at++;
                return hf_json_scan_string(json) < 0 ? HF_JSON_ERROR : HF_JSON_STRING;
        case 't':
                return scan_word(json, "true", HF_JSON_TRUE);
        case 'f':
                return scan_word(json, "false", HF_JSON_FALSE);
        case 'n':
                return scan_word(json, "null", HF_JSON_NULL);
        case '-':
        case '0':
        case '1':
        case '2':
        case '3':
        case '4':
        case '5':
        case '6':
        case '7':
        case '8':
        case '9':
                return hf_json_scan_number(json);
        default:
                return hf_json_refuse(json, json->at, HF_JSON_BAD_VALUE);
        }
}

static enum hf_json_token next_value(struct hf_json *json)
{
        enum hf_json_token token;

        json->token = json->at;
        if (json->at >= json->end)
                return hf_json_refuse(json, json->at, HF_JSON_BAD_TRUNCATED);
        if (*json->at == '{' || *json->at == '[')
                return open_container(json, *json->at == '{');

        token = scan_scalar(json);
        if (token != HF_JSON_ERROR)
                json->expect = json->depth ? EXPECT_NEXT : EXPECT_END;
        return token;
}

static enum hf_json_token next_key(struct hf_json *json)
{
        json->token = json->at;
        if (json->at >= json->end || *json->at != '"')
                return hf_json_refuse(json, json->at, HF_JSON_BAD_KEY);
        json->at++;
        if (hf_json_scan_string(json) < 0)
                return HF_JSON_ERROR;
        skip_space(json);
        if (json->at >= json->end || *json->at != ':')
                return hf_json_refuse(json, json->at, HF_JSON_BAD_COLON);
        json->at++;
        json->expect = EXPECT_VALUE;
        return HF_JSON_KEY;
}

static enum hf_json_token after_element(struct hf_json *json)
{
        bool object = json->objects & 1;

        if (json->at < json->end && *json->at == ',') {
                json->at++;
                skip_space(json);
                return object ? next_key(json) : next_value(json);
        }
        if (json->at < json->end && *json->at == (object ? '}' : ']'))
                return close_container(json);
        return hf_json_refuse(json, json->at, HF_JSON_BAD_SEPARATOR);
}

enum hf_json_token hf_json_next(struct hf_json *json)
{
        if (json->expect == EXPECT_NOTHING)
                return HF_JSON_ERROR;
        skip_space(json);
        switch (json->expect) {
        case EXPECT_NEXT:
                return after_element(json);
        case EXPECT_FIRST_KEY:
                if (json->at < json->end && *json->at == '}')
                        return close_container(json);
                return next_key(json);
        case EXPECT_FIRST_ELEMENT:
                if (json->at < json->end && *json->at == ']')
                        return close_container(json);
                return next_value(json);
        case EXPECT_VALUE:
                return next_value(json);
        default:
                if (json->at < json->end)
                        return hf_json_refuse(json, json->at, HF_JSON_BAD_TRAILING);
                json->token = json->at;
                return HF_JSON_END;
        }
}

int hf_json_skip(struct hf_json *json, enum hf_json_token token)
{
        uint32_t outer;

        if (token != HF_JSON_OBJECT && token != HF_JSON_ARRAY)
                return token == HF_JSON_ERROR ? -1 : 0;
        outer = json->depth - 1;
        while (json->depth > outer)
                if (hf_json_next(json) == HF_JSON_ERROR)
                        return -1;
        return 0;
}

size_t hf_json_position(const struct hf_json *json)
{
        return (size_t)(json->token - json->begin);
}

const char *hf_json_reason_text(enum hf_json_reason reason)
{
        static const char *const texts[] = {
                [HF_JSON_OK] = "no error",
                [HF_JSON_BAD_TRUNCATED] = "the text ends inside a value",
                [HF_JSON_BAD_BOM] = "a byte order mark is not allowed",
                [HF_JSON_BAD_VALUE] = "a value was expected",
                [HF_JSON_BAD_NUMBER] =
                        "the number is not a JSON number (no leading zero, no bare sign or point)",
                [HF_JSON_BAD_RANGE] = "the number is too large for any number type",
                [HF_JSON_BAD_KEY] = "a quoted key was expected",
                [HF_JSON_BAD_COLON] = "a colon was expected after the key",
                [HF_JSON_BAD_SEPARATOR] = "a comma or the end of the object or array was expected",
                [HF_JSON_BAD_UTF8] = "invalid UTF-8",
                [HF_JSON_BAD_CONTROL] = "an unescaped control character in a string",
                [HF_JSON_BAD_ESCAPE] = "an unknown escape in a string",
                [HF_JSON_BAD_SURROGATE] = "half of a surrogate pair in a string",
                [HF_JSON_BAD_DEPTH] = "objects or arrays are nested too deep",
                [HF_JSON_BAD_TRAILING] = "something follows the end of the value",
        };

        return (size_t)reason < sizeof texts / sizeof *texts ? texts[reason] : "unknown error";
}
