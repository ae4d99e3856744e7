/* SPDX-License-Identifier: Apache-2.0 */
/* JSON numbers: the grammar exactly, integers of 64 bits exactly, and nothing that no type can hold. */
#include "json.h"

static inline bool is_digit(const struct hf_json *json, const unsigned char *at)
{
        return at < json->end && (unsigned)(*at - '0') < 10;
}

/*
 * Fraction and exponent: checked, not evaluated, for nothing here wants them. NULL: the grammar is broken
 * at *at.
 */
static const unsigned char *skip_fraction(const struct hf_json *json, const unsigned char **at)
{
        const unsigned char *p = *at;

        if (p < json->end && *p == '.') {
                *at = ++p;
                while (is_digit(json, p))
                        p++;
                if (p == *at)
                        return NULL;
        }
        if (p < json->end && (*p == 'e' || *p == 'E')) {
                p++;
                if (p < json->end && (*p == '+' || *p == '-'))
                        p++;
                *at = p;
                while (is_digit(json, p))
                        p++;
                if (p == *at)
                        return NULL;
        }
        return p;
}

/* The value of digits that were counted; false when it does not fit. Nineteen always do. */
static bool digits_value(const unsigned char *at, const unsigned char *end, uint64_t *ret_number)
{
        const unsigned char *safe = end - at > 19 ? at + 19 : end;
        uint64_t number = 0;

        while (at < safe)
                number = number * 10 + (uint64_t)(*at++ - '0');
        if (at < end) {
                unsigned digit = *at++ - '0';

                if (at < end || number > (UINT64_MAX - digit) / 10)
                        return false;
                number = number * 10 + digit;
        }
        *ret_number = number;
        return true;
}

/* The exponent's value; what is out of all proportion stops growing. */
static int64_t exponent_value(const unsigned char *at, const unsigned char *end)
{
        bool negative = at < end && *at == '-';
        int64_t value = 0;

        if (at < end && (*at == '-' || *at == '+'))
                at++;
        for (; at < end; at++)
                if (value < INT32_MAX)
                        value = value * 10 + (*at - '0');
        return negative ? -value : value;
}

/*
 * Whether a number of correct grammar, without its sign, is below 10^308 and so fits a double: nobody
 * else's parser takes more, and readers would come to differ. `power` is that of the first digit that is
 * not zero.
 */
static bool is_in_range(const unsigned char *at, const unsigned char *end)
{
        bool significant = false, point = false;
        int64_t power = 0;

        for (; at < end && *at != 'e' && *at != 'E'; at++) {
                if (*at == '.') {
                        point = true;
                        continue;
                }
                if (significant && !point)
                        power++;
                if (!significant && point)
                        power--;
                significant |= *at != '0';
        }
        return !significant || power + exponent_value(at < end ? at + 1 : end, end) < 308;
}

enum hf_json_token hf_json_scan_number(struct hf_json *json)
{
        const unsigned char *at = json->at, *digits, *end = json->end;
        bool exact = *at != '-';

        if (!exact)
                at++;
        digits = at;
        while (at < end && (unsigned)(*at - '0') < 10)
                at++;
        if (at == digits || (*digits == '0' && at - digits > 1))
                return hf_json_refuse(json, digits, HF_JSON_BAD_NUMBER);
        json->number = 0;
        exact = exact && digits_value(digits, at, &json->number);

        end = at;
        if (at < json->end && (*at == '.' || *at == 'e' || *at == 'E')) {
                exact = false;
                end = skip_fraction(json, &at);
                if (!end)
                        return hf_json_refuse(json, at, HF_JSON_BAD_NUMBER);
        }
        if (!exact && !is_in_range(digits, end))
                return hf_json_refuse(json, digits, HF_JSON_BAD_RANGE);
        json->text = (const char *)json->at;
        json->length = (size_t)(end - json->at);
        json->at = end;
        json->exact = exact;
        return HF_JSON_NUMBER;
}
